/** What must hold of a conversation that the chat and the envelope's form share. The page is left at the form. */
import assert from 'node:assert/strict';
import { LONG, withChat } from './chat-driver.js';

const texts = (lines) => lines.locator('p.bubble').allTextContents();

export const conversationChecks = withChat([
  [
    'both views are one conversation: each goes on where the other was',
    async ({ page, tab, button, ask, askChat, open, field, lines, id, assertOneId }) => {
      await tab('Send an envelope').click();
      await button('New conversation').click();
      await ask({ message: 'One', session: 'conv-both', engine: 'pi', reply: 'ndjson' });
      await open();
      assert.equal(await id(), 'conv-both');
      assert.equal((await texts(lines))[0], 'One');
      await page.getByLabel('Answered by').selectOption('ai-sdk');
      await assertOneId(await askChat('Two'), 'conv-both');
      assert.match((await texts(lines)).at(-1), /2 earlier messages/);
      await tab('Send an envelope').click();
      assert.equal(await field('Session id').inputValue(), 'conv-both');
      const third = await ask({ message: 'Three' });
      assert.match(await third.locator('.agent').textContent(), /4 earlier messages/);
      await open();
      assert.deepEqual(
        (await texts(lines)).filter((_, i) => i % 2 === 0),
        ['One', 'Two', 'Three'],
      );
      await askChat('Four');
      assert.match((await texts(lines)).at(-1), /6 earlier messages/);
      assert.equal(await page.locator('#turns > li[data-session="conv-both"]').count(), 4);
      await page
        .locator('#conversations [aria-current="true"]', { hasText: 'conv-both4 turns' })
        .waitFor();
    },
  ],
  [
    'chat: a conversation that is picked comes back, a running one goes on meanwhile',
    async ({ page, begin, say, id, lines, answer }) => {
      await begin('ai-sdk');
      const session = await id();
      await say(LONG);
      await answer().locator('p.bubble', { hasText: 'You said' }).waitFor();
      await page.locator('#conversations button', { hasText: 'conv-both' }).click();
      await page.waitForFunction(() => document.querySelectorAll('.chat-message').length === 8);
      await page.locator('#conversations button', { hasText: session }).click();
      await answer()
        .locator('p.bubble', { hasText: /same\.$/ })
        .waitFor();
      assert.equal(await lines.count(), 2);
    },
  ],
  [
    'chat: a reload keeps the view, the conversation, and a question that waits',
    async ({ page, begin, askChat, button, lines, answer, id, chat, assertOneId }) => {
      await begin('ai-sdk');
      await askChat(() => button('What is in this picture?').click());
      await askChat('Remove draft.txt');
      const seen = async () => [await id(), await chat.locator('.log').textContent()];
      const before = await seen();
      await page.reload();
      await lines.nth(3).waitFor();
      await page.locator('body[data-ready]').waitFor();
      assert.deepEqual(await seen(), before);
      assert.ok(
        (await lines
          .first()
          .locator('img')
          .evaluate((img) => img.naturalWidth)) > 0,
      );
      await assertOneId(await askChat(() => button('Allow').click()), before[0]);
      assert.match(await answer().textContent(), /Done: draft\.txt is gone/);
    },
  ],
  [
    'chat: the keyboard writes, sends, stops and answers a tool that asks',
    async ({ page, begin, message, say, settled, askChat, status, answer }) => {
      await begin('ai-sdk');
      await message.focus();
      await page.keyboard.type('a');
      await page.keyboard.press('Shift+Enter');
      await page.keyboard.type('b');
      assert.equal(await message.inputValue(), 'a\nb');
      await page.keyboard.insertText(LONG);
      const card = await say(() => page.keyboard.press('Enter'));
      assert.equal(await page.evaluate(() => document.activeElement.id), 'chat-message');
      await status('Answering');
      for (let i = 0; i < 2; i += 1) await page.keyboard.press('Tab');
      await page.keyboard.press('Enter');
      await settled(card, 'stopped', 3);
      await askChat('Remove draft.txt');
      await page.locator('.log').focus();
      const focused = () => page.evaluate(() => document.activeElement.textContent);
      // Past the thoughts, which can be opened.
      for (let i = 0; i < 5 && (await focused()) !== 'Deny'; i += 1) {
        await page.keyboard.press('Tab');
      }
      assert.equal(await focused(), 'Deny');
      await askChat(() => page.keyboard.press('Enter'));
      assert.match(await answer().textContent(), /it did not run/);
    },
  ],
  [
    'chat: back to the form, which goes on under the chat’s id',
    async ({ page, tab, id, field }) => {
      const session = await id();
      await tab('Send an envelope').click();
      assert.equal(await field('Session id').inputValue(), session);
      assert.equal(new URL(page.url()).hash, '');
    },
  ],
]);

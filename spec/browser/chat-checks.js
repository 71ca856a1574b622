/** What must hold of one chat with the real `useChat`. */
import assert from 'node:assert/strict';
import { attach, LONG, PNG, png, withChat } from './chat-driver.js';

export const chatChecks = withChat([
  [
    'chat: its tab, its link and its address open it, and each control has a label',
    async ({ page, chat, tab, open }) => {
      await open();
      assert.equal(new URL(page.url()).hash, '#chat');
      await tab('Send an envelope').click();
      assert.ok(await chat.isHidden());
      await page.getByRole('navigation').getByText('Chat', { exact: true }).click();
      await chat.waitFor();
      const nameless = await page
        .locator('input, select, textarea')
        .evaluateAll((all) => all.filter((one) => one.labels.length === 0).map((one) => one.id));
      assert.deepEqual(nameless, []);
    },
  ],
  ...['ai-sdk', 'pi', 'rivet', 'remote'].map((engine) => [
    `chat: three turns through ${engine} carry the chat’s id on each span and in each message`,
    async ({ page, begin, askChat, rows, id, lines, assertOneId }) => {
      await begin(engine);
      const session = await id();
      for (const text of ['What time is it?', 'Hello', 'And again']) {
        const card = await askChat(text, 'done', engine === 'remote' ? 8 : 4);
        await assertOneId(card, session);
        const services = new Set((await rows(card)).map(({ service }) => service));
        assert.equal(services.has('runner'), engine === 'remote');
        assert.match(
          await card.locator('.origin').textContent(),
          /is the chat’s id, sent by useChat/,
        );
      }
      assert.equal(await lines.count(), 6);
      await page.locator('#conversations [aria-current="true"]', { hasText: '3 turns' }).waitFor();
    },
  ]),
  [
    'chat: thoughts and text show as they arrive',
    async ({ page, begin, say, settled, answer }) => {
      await begin('ai-sdk');
      const card = await say('Hello');
      await page.waitForFunction(() => {
        const shown = document.querySelector('.reasoning[open] p')?.textContent;
        return shown && !shown.endsWith('anywhere.');
      });
      await page.waitForFunction(() => {
        const shown = document.querySelector('.chat-message.agent p.bubble')?.textContent;
        return shown?.startsWith('You said') && !shown.endsWith('same.');
      });
      await settled(card);
      assert.match(await answer().locator('p.bubble').textContent(), /“Hello”.*same\.$/);
      assert.match(await answer().locator('.facts').textContent(), /stop · \d+ tokens/);
    },
  ],
  [
    'chat: a picture from the disk, and the one to try with, reach the engine',
    async ({ page, chat, begin, askChat, button, answer, lines, tab, pane }) => {
      for (const [engine, words] of [
        ['ai-sdk', 'What is in this picture?'],
        ['pi', undefined],
        ['remote', undefined],
      ]) {
        await begin(engine);
        if (words) await askChat(() => button(words).click());
        else {
          await attach(page, chat, png());
          await askChat(() => chat.getByRole('button', { name: 'Send' }).click());
        }
        assert.ok(
          (await lines
            .first()
            .locator('img')
            .evaluate((img) => img.naturalWidth)) > 0,
        );
        const size = words ? '120 × 80 pixels' : `3 × 2 pixels, ${PNG.length} bytes`;
        assert.ok((await answer().textContent()).includes(size), await answer().textContent());
      }
      await tab('On the wire').click();
      assert.match(await pane('Request'), /"url": "data:image\/png;base64,/);
      await tab('Watch').click();
    },
  ],
  ...[
    ['Allow', 'output-available', 'draft.txt is gone'],
    ['Deny', 'output-denied', 'it did not run'],
  ].map(([decision, state, told]) => [
    `chat: a tool that asks, and the answer ${decision}`,
    async ({ page, button, begin, askChat, id, answer, status, assertOneId }) => {
      await begin('ai-sdk');
      const session = await id();
      const asked = await askChat('Remove draft.txt');
      await status('The agent waits');
      await assertOneId(asked, session);
      const decided = await askChat(() => button(decision).click());
      await status('Ready');
      await assertOneId(decided, session);
      const tool = answer().locator('.tool');
      assert.equal(await tool.getAttribute('data-state'), state);
      assert.ok((await tool.textContent()).includes(told));
      assert.equal(await page.evaluate(() => document.activeElement.id), 'chat-message');
      const ran = await decided.locator('.name', { hasText: 'ai.toolCall' }).count();
      assert.equal(ran, decision === 'Allow' ? 1 : 0);
      assert.match(await decided.locator('.said.you').textContent(), /remove_file/);
    },
  ]),
  [
    'chat: Stop ends the run on the server, and the chat goes on',
    async ({ begin, say, askChat, settled, button, id, answer, assertOneId }) => {
      await begin('ai-sdk');
      const card = await say(LONG);
      await answer().locator('p.bubble', { hasText: 'You said' }).waitFor();
      await button('Stop').click();
      await settled(card, 'stopped');
      await assertOneId(card, await id());
      const stopped = await card.locator('.span.stopped .name').allTextContents();
      assert.ok(stopped.includes('invoke_agent ai-sdk'), stopped.join());
      await askChat('Once more');
      assert.match(await answer().textContent(), /2 earlier messages/);
    },
  ],
  [
    'chat: Regenerate asks again, and puts the answer in the place of the first',
    async ({ begin, askChat, button, id, lines, answer, tab, pane, assertOneId }) => {
      await begin('pi');
      await askChat('What time is it?');
      const card = await askChat(() => button('Regenerate').click());
      await assertOneId(card, await id());
      assert.equal(await lines.count(), 2);
      assert.match(await answer().textContent(), /It is \d\d:/);
      await tab('On the wire').click();
      const request = await pane('Request');
      assert.match(request, /"trigger": "regenerate-message"/);
      assert.equal(request.match(/"role":/g).length, 1);
      await tab('Watch').click();
    },
  ],
]);

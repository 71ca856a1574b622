/** What a chat with the real `useChat` is told of what cannot be: its own error. */
import assert from 'node:assert/strict';
import { attach, PNG, png, withChat } from './chat-driver.js';

export const chatErrorChecks = withChat([
  [
    'chat: an engine that takes no picture, and a body that is too large, are the client’s own error',
    async ({ page, chat, begin, askChat, status, message }) => {
      await begin('rivet');
      await attach(page, chat, png());
      await askChat(() => message.press('Enter'), 'failed');
      await status('failed');
      const alert = chat.getByRole('alert');
      assert.match(
        await alert.textContent(),
        /content\[0\] is of the type image, which this agent/,
      );
      await alert.getByRole('button', { name: 'Take the message back' }).click();
      await alert.waitFor({ state: 'detached' });
      assert.equal(await chat.locator('.chat-message').count(), 0);
      await attach(page, chat, png(Buffer.concat([PNG, Buffer.alloc(4_000_000)])));
      const card = await askChat(() => message.press('Enter'), 'failed', 1);
      await alert.waitFor();
      assert.match(await alert.textContent(), /larger than|too large|limit/i);
      assert.match(await card.locator('.meta').textContent(), /413/);
      assert.doesNotMatch(await alert.textContent(), /base64/);
    },
  ],
  [
    'chat: an engine that fails is the client’s own error, without the engine’s words',
    async ({ page, chat, begin, askChat, id, button, answer, assertOneId }) => {
      await begin('failing');
      const failed = await askChat('Hello', 'failed');
      const alert = chat.getByRole('alert');
      assert.match(await alert.textContent(), /The engine failed/);
      assert.doesNotMatch(await page.locator('body').textContent(), /hunter2/);
      await assertOneId(failed, await id());
      await page.getByLabel('Answered by').selectOption('pi');
      await assertOneId(await askChat(() => button('Try again').click()), await id());
      await alert.waitFor({ state: 'detached' });
      assert.match(await answer().textContent(), /You said “Hello”/);
    },
  ],
]);

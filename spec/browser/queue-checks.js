/** What must hold of the page of `npm run demo:queue`: two gateways, two workers, and a person who kills and reloads. */
import assert from 'node:assert/strict';
import { withChat } from './chat-driver.js';

const WORKER = /^worker [12]$/;
const THERE = '[data-state="there"]';
/** How long the death of a worker goes unnoticed, and some. */
const NOTICED_MS = 40_000;

const servicesOf = (rows) => [...new Set(rows.map(({ service }) => service))];
const isAlive = (pid) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

export const queueChecks = withChat([
  [
    'the queue: two gateways and two workers tell their spans',
    async ({ page, pids }) => {
      const names = ['gateway 1', 'gateway 2', 'worker 1', 'worker 2'];
      for (const name of names) await page.locator(`[data-feed="${name}"]${THERE}`).waitFor();
      assert.deepEqual(Object.keys(pids), [...names, 'redis']);
    },
  ],
  [
    'the queue: the waterfall says which process did what, under one id',
    async ({ page, ask, assertCarries }) => {
      const card = await ask({ message: 'What time is it?', session: 'conv-queue' }, 7);
      const rows = await assertCarries(card, 'conv-queue');
      const [gateway, worker, ...others] = servicesOf(rows);
      assert.deepEqual([gateway, others], ['gateway 1', []]);
      assert.match(worker, WORKER);
      const of = (name) => rows.find((row) => row.name === name)?.service;
      assert.equal(of('invoke_agent queue'), gateway);
      assert.deepEqual([of('invoke_agent pi'), of('execute_tool clock')], [worker, worker]);
      assert.ok(await page.locator('.service', { hasText: worker }).first().isVisible());
    },
  ],
  [
    'the queue: a reload in the middle of an answer, and it goes on, through the other gateway',
    async ({ page, send, newest, settled, assertCarries, pane }) => {
      await send({ message: 'Hello', session: 'conv-reload', reply: 'ndjson' });
      await newest().locator('.agent', { hasText: 'You' }).waitFor();
      const reading = page.waitForRequest(/\/runs\/[\da-f-]{36}$/);
      await page.reload();
      assert.notEqual(new URL((await reading).url()).origin, new URL(page.url()).origin);
      await page.locator('body[data-ready]').waitFor();
      const card = newest();
      assert.equal(await card.getAttribute('data-state'), 'running');
      assert.ok(await page.locator('#stop').isEnabled());
      await settled(card, 'done', 4);
      assert.match(await card.locator('.agent').textContent(), /^You said[\s\S]*same\.$/);
      assert.match(
        await pane('Response'),
        /x-session-id: conv-reload[\s\S]*run\.start[\s\S]*run\.end/,
      );
      await assertCarries(card, 'conv-reload');
      await page.getByText('Answered under conv-reload.').waitFor();
    },
  ],
  [
    'the queue: a reload in the middle of an answer to useChat, and it goes on',
    async ({ page, tab, begin, say, status, lines, answer, id, settled, assertCarries }) => {
      await begin('queue');
      const session = await id();
      const card = await say('Hello');
      await answer().filter({ hasText: 'You said' }).waitFor();
      await page.reload();
      await page.locator('body[data-ready]').waitFor();
      await status('Answering');
      await status('Ready');
      assert.equal(await lines.count(), 2);
      assert.match(await answer().textContent(), /You said[\s\S]*same\./);
      await settled(card, 'done', 4);
      await assertCarries(card, session);
      await tab('Send an envelope').click();
    },
  ],
  [
    'the queue: a run whose client leaves goes on',
    async ({ page, button, send, settled, assertCarries }) => {
      const card = await send({ message: 'Hello', session: 'conv-left' });
      await card.locator('.agent', { hasText: 'You' }).waitFor();
      await button('Stop').click();
      await page.getByText('Left: the run goes on.').waitFor();
      await settled(card, 'stopped', 5);
      await assertCarries(card, 'conv-left');
    },
  ],
  ['the queue: no errors in the console', async ({ errors }) => assert.deepEqual(errors, [])],
  [
    'the queue: a worker that is killed in the middle is a coded end under the same id, and is replaced',
    async ({ page, send, settled, rows, ask, assertCarries, pane, pids }) => {
      page.setDefaultTimeout(NOTICED_MS);
      const card = await send({ message: 'Hello', session: 'conv-killed' });
      await card.locator('.agent', { hasText: 'You' }).waitFor();
      const kill = page.locator('#kill:enabled');
      await kill.waitFor();
      const worker = /worker [12]/.exec(await kill.textContent())[0];
      await kill.click();
      await page.getByText(`${worker} was killed`).waitFor();
      await settled(card, 'failed', 5);
      assert.equal(isAlive(pids[worker]), false);
      assert.match(await card.locator('.agent').textContent(), /^ENGINE_FAILED: /);
      const response = await pane('Response');
      assert.match(response, /"type":"message.delta"[\s\S]*"code":"ENGINE_FAILED"/);
      assert.match(response, /"session_id":"conv-killed"[^\n]*$/);
      const all = await rows(card);
      assert.ok(all.some(({ service, state }) => service === worker && state === 'unfinished'));
      assert.ok(all.every(({ standing }) => /carried|unfinished/.test(standing)));
      await page.locator(`[data-feed="${worker}"]${THERE}`).waitFor();
      await assertCarries(await ask({ message: 'Hello' }, 5), 'conv-killed');
    },
  ],
]);

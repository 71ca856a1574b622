/** What must hold of the demo's page, as a person sees it: a name and a function each, in this order. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { aboveChecks } from './above-checks.js';
import { axeChecks } from './axe-checks.js';
import { chatChecks } from './chat-checks.js';
import { conversationChecks } from './chat-conversation-checks.js';
import { chatErrorChecks } from './chat-error-checks.js';
import { reloadChecks, tabChecks } from './tab-checks.js';
import { truthChecks } from './truth-checks.js';

const sh = promisify(execFile);
const UUID = /^[0-9a-f]{8}-[0-9a-f-]{27}$/;

/** What each button of "Break it" is answered with. */
const BROKEN = {
  'blank-id': [/^200/, /"session_id": "[0-9a-f-]{36}"/],
  'number-id': [/^400/, /INVALID_FIELD[\s\S]*"pointer": "\/session_id"/],
  'long-id': [/^400/, /INVALID_FIELD[\s\S]*"pointer": "\/session_id"/],
  'both-spellings': [/^400/, /INVALID_ENVELOPE[\s\S]*"session_id": "break-it"/],
  'media-type': [/^415/, /UNSUPPORTED_MEDIA_TYPE/],
  malformed: [/^400/, /MALFORMED_JSON/],
  'too-large': [/^413/, /BODY_TOO_LARGE/],
  'handler-throws': [/^500/, /INTERNAL_ERROR[\s\S]*"session_id": "break-it"/],
  'engine-fails': [/^502/, /ENGINE_FAILED[\s\S]*"session_id": "break-it"/],
  'client-leaves': [
    /^Left after \d+ events/,
    /"session_id": "break-it"[\s\S]*"error.type": "AbortError"/,
  ],
};

export const checks = [
  [
    'both span feeds are there',
    async ({ page }) => {
      for (const service of ['gateway', 'runner']) {
        await page.locator(`[data-feed="${service}"][data-state="there"]`).waitFor();
      }
    },
  ],
  [
    'each control has a label',
    async ({ page }) => {
      const nameless = await page
        .locator('input, select, textarea')
        .evaluateAll((all) => all.filter((one) => one.labels.length === 0).map((one) => one.id));
      assert.deepEqual(nameless, []);
    },
  ],
  [
    'a first turn without an id teaches the client the one of the engine',
    async ({ ask, assertCarries, pane }) => {
      const card = await ask({ message: 'Hello', session: '', engine: 'pi', reply: 'json' });
      const id = await card.getAttribute('data-session');
      assert.match(id, UUID);
      await assertCarries(card, id);
      assert.equal(await card.getAttribute('data-from'), 'engine');
      assert.match(await card.locator('.origin').textContent(), /The client sent no id/);
      assert.doesNotMatch(await pane('Request'), /session_id/);
      const response = await pane('Response');
      assert.ok(response.includes(`x-session-id: ${id}`), 'no id in the header');
      assert.ok(response.includes(`"session_id": "${id}"`), 'no id in the body');
    },
  ],
  [
    'a second turn goes on under the returned id, in the same conversation',
    async ({ page, button, field, newest, ask, assertCarries, pane }) => {
      const id = await newest().getAttribute('data-session');
      await button('Continue under the returned id').click();
      assert.equal(await field('Session id').inputValue(), id);
      const card = await ask({ message: 'And now?' });
      const all = await assertCarries(card, id);
      assert.ok(
        all.some(({ own }) => own && own !== id),
        'no id of the engine beside it',
      );
      assert.equal(await card.getAttribute('data-from'), 'client');
      assert.equal(await page.locator('#turns > li').count(), 2);
      const request = await pane('Request');
      assert.ok(request.includes(`"session_id": "${id}"`));
      assert.equal(request.match(/"role":/g).length, 3);
      await page.locator('#conversations [aria-current="true"]', { hasText: '2 turns' }).waitFor();
    },
  ],
  ...['pi', 'rivet', 'remote'].flatMap((engine) => [
    [
      `two turns of one conversation through ${engine} carry one id on each span`,
      async ({ button, field, ask, assertCarries }) => {
        await button('New conversation').click();
        await button('New').click();
        const id = await field('Session id').inputValue();
        assert.match(id, /^conv-/);
        const least = engine === 'remote' ? 8 : 4;
        for (const message of ['What time is it?', 'Hello']) {
          const card = await ask({ message, engine, reply: 'ndjson' }, least);
          const all = await assertCarries(card, id);
          assert.ok(
            all.some(({ own }) => own !== undefined),
            'no id of the engine',
          );
          const services = new Set(all.map(({ service }) => service));
          assert.deepEqual(
            [...services],
            engine === 'remote' ? ['gateway', 'runner'] : ['gateway'],
          );
        }
      },
    ],
    [
      `a first turn without an id through ${engine} goes by the engine's`,
      async ({ button, ask, assertCarries }) => {
        await button('New conversation').click();
        const card = await ask({ message: 'Hello', session: '', engine, reply: 'ndjson' });
        const id = await card.getAttribute('data-session');
        assert.match(id, UUID);
        const all = await assertCarries(card, id);
        assert.ok(all.some(({ own }) => own === id));
      },
    ],
  ]),
  ...['ndjson', 'sse'].map((reply) => [
    `a stream (${reply}) shows as it arrives`,
    async ({ send, settled, page, pane }) => {
      const card = await send({ message: 'Hello', session: 'conv-stream', engine: 'pi', reply });
      const trace = await card.getAttribute('data-trace');
      // A piece of the answer, while there is more to come.
      await page.waitForFunction((trace) => {
        const { dataset, children } = document.querySelector(`[data-trace="${trace}"]`);
        const text = children[0].querySelector('.agent').textContent;
        return dataset.state === 'running' && /^You/.test(text) && !/same\.$/.test(text);
      }, trace);
      await settled(card);
      assert.match(await card.locator('.agent').textContent(), /same\.$/);
      assert.match(await pane('Response'), /"type":"run.start"[\s\S]*"type":"run.end"/);
    },
  ]),
  [
    'a stopped stream ends the run on the server',
    async ({ page, button, send, settled, rows, assertCarries }) => {
      const card = await send({
        message: 'Hello',
        session: 'conv-stop',
        engine: 'remote',
        reply: 'ndjson',
      });
      await card.locator('.agent', { hasText: 'You' }).waitFor();
      await button('Stop').click();
      await settled(card, 'stopped', 6);
      await assertCarries(card, 'conv-stop');
      const stopped = await card.locator('.span.stopped .name').allTextContents();
      assert.ok(stopped.includes('invoke_agent remote'), stopped.join());
      assert.equal(await card.locator('.span.failed').count(), 0);
      assert.ok((await rows(card)).some(({ service }) => service === 'runner'));
      await page.getByText('Stopped: the engine was told.').waitFor();
    },
  ],
  [
    'an unknown engine is a 422, and a mistake in the parameters is told before anything is sent',
    async ({ page, button, fill, send, pane }) => {
      await send({
        session: 'conv-who',
        engine: 'pi',
        reply: 'json',
        parameters: '{"engine":"who"}',
      });
      await page.locator('#turns > li[data-state="failed"]').first().waitFor();
      assert.match(await pane('Response'), /^422[\s\S]*INVALID_INPUT/);
      await fill({ parameters: '{' });
      await page.getByText('This is not JSON.').waitFor();
      await fill({ parameters: '{}' });
      assert.ok(await button('Send').isEnabled());
    },
  ],
  [
    'the curl line works when pasted, and its spans show up',
    async ({ page, button, fill }) => {
      await button('New conversation').click();
      await fill({ message: "It's me", session: 'conv-curl', reply: 'json' });
      const { stdout } = await sh('sh', ['-c', await page.locator('#curl').textContent()]);
      assert.match(stdout, /^HTTP\/1.1 200[\s\S]*x-session-id: conv-curl[\s\S]*It's me/);
      await page.locator('#turns [data-session="conv-curl"] .count[data-ok="true"]').waitFor();
      await page.locator('#conversations button', { hasText: 'conv-curl' }).waitFor();
    },
  ],
  [
    'a conversation that is picked shows all its turns',
    async ({ page }) => {
      const item = page.locator('#conversations button', { hasText: 'conv-stream' });
      await item.click();
      await page.waitForFunction(() => {
        const sessions = [...document.querySelectorAll('#turns > li')].map(
          (li) => li.dataset.session,
        );
        return sessions.length === 2 && sessions.every((id) => id === 'conv-stream');
      });
      assert.equal(await item.getAttribute('aria-current'), 'true');
    },
  ],
  ...Object.entries(BROKEN).map(([name, [status, body]]) => [
    `break it: ${name} is answered, and the server still serves`,
    async ({ page, tab }) => {
      await tab('Break it').click();
      await page.locator(`[data-case="${name}"]`).first().click();
      const outcome = page.locator(`#break-outcome[data-case="${name}"][data-state="done"]`);
      await outcome.waitFor();
      assert.match(await outcome.locator('h4').nth(1).textContent(), status);
      const shown = await outcome.locator('pre').nth(1).textContent();
      assert.match(shown, body);
      assert.doesNotMatch(shown, /secret|hunter2|x{129}/);
      assert.match(await outcome.locator('.count[data-ok="true"]').textContent(), /200 OK/);
    },
  ]),
  [
    'without the package the id is lost: the request has none, the engine another one',
    async ({ button, send, settled, rows }) => {
      await button('New conversation').click();
      const values = { message: 'Hello', session: 'conv-plain', engine: 'pi', reply: 'ndjson' };
      const card = await settled(await send({ ...values, plain: true }));
      const all = await rows(card);
      assert.ok(all.every(({ session }) => session !== 'conv-plain'));
      assert.ok(all.find(({ name }) => name.startsWith('POST')).isMarkedMissing);
      assert.equal(await card.getAttribute('data-from'), 'plain');
      assert.equal(await card.locator('.count').getAttribute('data-ok'), 'false');
    },
  ],
  ...truthChecks,
  ...tabChecks,
  ...chatChecks,
  ...chatErrorChecks,
  ...conversationChecks,
  [
    'the comparison shows one id against several and none',
    async ({ page, button, fill, tab }) => {
      await fill({ plain: false, engine: 'remote' });
      await tab('Compare').click();
      await button('Run two turns both ways').click();
      await page.locator('#sides[data-state="done"]').waitFor();
      const ok = page.locator('#sides .side[data-plain="false"] .count[data-ok="true"]');
      await ok.waitFor();
      assert.match(await ok.textContent(), /^1 id on \d+ spans: one conversation$/);
      const lost = page.locator('#sides .side[data-plain="true"] .count', { hasText: 'with none' });
      assert.match(
        await lost.textContent(),
        /^2 different ids on \d+ spans, and \d+ of them with none$/,
      );
      assert.ok((await page.locator('#sides .side[data-plain="true"] .chip.missing').count()) >= 2);
      assert.equal(await page.locator('#sides .side[data-plain="false"] .chip.missing').count(), 0);
    },
  ],
  [
    'the keyboard sends, stops and opens a span',
    async ({ page, field, fill, newest, settled }) => {
      await fill({
        message: 'Hello',
        session: 'conv-keys',
        engine: 'pi',
        reply: 'ndjson',
        plain: false,
      });
      await field('Message').focus();
      await page.keyboard.press('Control+Enter');
      await page.locator('#turns > li[data-session="conv-keys"][data-state="running"]').waitFor();
      assert.equal(await page.evaluate(() => document.activeElement.id), 'stop');
      await page.keyboard.press('Enter');
      const card = await settled(newest(), 'stopped', 3);
      assert.equal(await page.evaluate(() => document.activeElement.id), 'message');
      await card.locator('.span summary').first().focus();
      await page.keyboard.press('Enter');
      await card.locator('.attributes dt', { hasText: 'session.id' }).first().waitFor();
    },
  ],
  ...reloadChecks,
  ...[380, 800, 1280, 1600].map((width) => [
    `nothing is cut off at a width of ${width}`,
    async ({ page }) => {
      await page.setViewportSize({ width, height: 900 });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(wide <= width, `the page is ${wide} wide`);
    },
  ]),
  ...aboveChecks,
  ...axeChecks,
  ['no errors in the console', async ({ errors }) => assert.deepEqual(errors, [])],
  [
    'a runner that dies in the middle is a coded problem with the id, and the gateway still serves',
    async ({ page, ask, send, sendFromElsewhere, rows, button, pids, pane, settled }) => {
      await button('New conversation').click();
      // Its id is the engine's: the runner's spans learn it after they have begun.
      const data = { inputs: { message: 'Hello' }, parameters: { engine: 'remote' } };
      const { card: first, reply } = sendFromElsewhere('/invoke', { data });
      await first.locator('.name', { hasText: 'chat faux-1' }).waitFor();
      await first.click();
      const values = { message: 'Hello', session: 'conv-dies', engine: 'remote', reply: 'ndjson' };
      const card = await send(values);
      await card.locator('.agent', { hasText: 'You' }).waitFor();
      process.kill(pids.runner, 'SIGKILL');
      await reply;
      await settled(card, 'failed', 6);
      assert.match(await pane('Response'), /"code":"ENGINE_FAILED"[^}]*"session_id":"conv-dies"/);
      await page.locator('[data-feed="runner"][data-state="gone"]').waitFor();
      const all = await rows(card);
      assert.ok(all.some(({ state, service }) => state === 'unfinished' && service === 'runner'));
      assert.ok(
        all.every(({ standing }) => /carried|unfinished/.test(standing)),
        JSON.stringify(all),
      );
      assert.match(
        await card.locator('.count').textContent(),
        /^All \d+ finished spans carry the same id; \d unfinished: (its|their) process is gone$/,
      );
      await ask({ ...values, engine: 'pi' });
    },
  ],
];

import express from 'express';
import { defineEngine, run } from '../../lib/engines/index.js';
import { agentEnvelope, bind, problemDetails } from '../../lib/index.js';
import { agUiEvents } from '../../lib/protocols/ag-ui/index.js';
import { uiMessageStream } from '../../lib/protocols/ui-message-stream/index.js';
import { JSON_TYPE, NDJSON, SSE, serving } from '../helpers.js';

const TEXT = 'longer than five bytes';

const engine = defineEngine('quoter', async function* () {
  yield TEXT;
});
const running = () => run(engine, { messages: [{ role: 'user', content: 'Hello' }] });

async function* items(pause: () => Promise<unknown>) {
  yield TEXT;
  await pause();
  yield 'the end';
}

it('a stream that has ended before it is sent has the length that Node gives it', async () => {
  const app = express();
  app.use(agentEnvelope());
  app.post(
    '/',
    bind([], () => items(async () => {})),
  );
  await serving(app, async (url) => {
    const headers = { 'content-type': JSON_TYPE };
    const reply = await fetch(url, { method: 'POST', headers, body: '{}' });
    const text = await reply.text();
    expect(reply.headers.get('content-length')).toBe(String(text.length));
  });
});

describe('a Content-Length that a middleware has set', () => {
  it.each<[string, string, () => unknown, RegExp]>([
    ['a value', '*/*', () => TEXT, /five bytes"}}$/],
    ['a stream that has ended', NDJSON, () => items(async () => {}), /"the end"\n$/],
    ['a stream that goes on', SSE, () => items(() => new Promise(setImmediate)), /"the end"\n\n$/],
    ['a run as a value', JSON_TYPE, running, /"stop_reason":"stop"}}}$/],
    ['a run', SSE, running, /"run\.end".*\n\n$/],
    ['a Response', '*/*', () => new Response(TEXT), /five bytes$/],
    ['a Response without a body', '*/*', () => new Response(null, { status: 204 }), /^$/],
    ['uiMessageStream()', '*/*', () => uiMessageStream(running()), /\[DONE\]\n\n$/],
    ['agUiEvents()', '*/*', () => agUiEvents(running()), /"RUN_FINISHED".*\n\n$/],
    ['an error', '*/*', () => Promise.reject(new Error('private')), /"INTERNAL_ERROR".*}$/],
  ])('does not cut %s', async (_kind, accept, output, whole) => {
    const app = express();
    app.set('env', 'test');
    app.use(agentEnvelope());
    app.use((_req, res, next) => {
      res.set('content-length', '5');
      next();
    });
    app.post(
      '/',
      bind([], () => output()),
    );
    app.use(problemDetails());
    await serving(app, async (url) => {
      const headers = { 'content-type': JSON_TYPE, accept };
      const reply = await fetch(url, { method: 'POST', headers, body: '{}' });
      expect(await reply.text()).toMatch(whole);
    });
  });
});

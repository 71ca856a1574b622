/** An engine that never pauses leaves the event loop its turns: a timeout is noticed, a client that leaves, another request. */
import express from 'express';
import { type AgentEvent, defineEngine, run } from '../../lib/engines/index.js';
import { agentEnvelope, bind } from '../../lib/index.js';
import { agUiEvents } from '../../lib/protocols/ag-ui/index.js';
import { uiMessageStream } from '../../lib/protocols/ui-message-stream/index.js';
import { gate, JSON_TYPE, NDJSON, serving } from '../helpers.js';

/** Far more than a turn of the event loop is given to; an engine that is not stopped ends there, so that the spec can fail. */
const ENDLESS = 20_000;
const messages = [{ role: 'user', content: 'Hello' }] as const;

/** Yields without a pause until it is stopped. */
function endlessEngine(item: string | AgentEvent) {
  const count = { steps: 0, started: gate(), over: gate() };
  const engine = defineEngine('endless', async function* (_request, signal) {
    count.started.open();
    try {
      while (!signal.aborted && count.steps < ENDLESS) {
        count.steps += 1;
        yield item;
      }
    } finally {
      count.over.open();
    }
  });
  return { engine, count };
}

type Start = (signal?: AbortSignal) => ReturnType<typeof run>;

const ITEMS: [what: string, item: string | AgentEvent][] = [
  ['text', 'x'],
  ['empty text', ''],
  ['events that no protocol tells', { type: 'usage', input_tokens: 1, output_tokens: 1 }],
  ['ends', { type: 'run.start', session_id: 'a', engine: 'endless' }],
];

const READERS: [how: string, read: (running: ReturnType<typeof run>) => Promise<unknown>][] = [
  ['its result is awaited', async (running) => running.result],
  [
    'its events are read',
    async (running) => {
      for await (const _ of running);
    },
  ],
  ['uiMessageStream() tells it', async (running) => uiMessageStream(running).text()],
  ['agUiEvents() tells it', async (running) => agUiEvents(running).text()],
];

describe.each(ITEMS)('an engine that yields %s without a pause', (_what, item) => {
  it.each(READERS)('is stopped by a signal while %s', async (_how, read) => {
    const { engine, count } = endlessEngine(item);
    const controller = new AbortController();
    setImmediate(() => controller.abort(new Error('too late')));
    await read(run(engine, { messages }, { signal: controller.signal })).catch(() => undefined);
    await count.over.opened;
    expect(count.steps).toBeLessThan(ENDLESS);
  });

  it.each<[how: string, accept: string, reply: (start: Start, signal: AbortSignal) => unknown]>([
    ['a value', 'application/json', (start) => start()],
    ['a stream', NDJSON, (start) => start()],
    ['a result', '*/*', async (start, signal) => (await start(signal).result).output],
    ['a result and a run', '*/*', (start, signal) => awaited(start(signal))],
    ['chunks of a UI message', '*/*', (start) => uiMessageStream(start())],
    ['events of AG-UI', '*/*', (start) => agUiEvents(start())],
  ])(
    'is stopped when the client of %s leaves, and another is answered',
    async (_how, accept, reply) => {
      const { engine, count } = endlessEngine(item);
      const app = express();
      app.use(agentEnvelope());
      const start: Start = (signal) => run(engine, { messages }, { signal });
      app.post(
        '/',
        bind([], (_bound, { signal }) => reply(start, signal)),
      );
      app.get('/', (_req, res) => void res.json(count.steps));
      await serving(app, async (url) => {
        const client = new AbortController();
        const headers = { accept, 'content-type': JSON_TYPE };
        const body = '{"session_id":"a"}';
        const answer = fetch(url, { method: 'POST', headers, body, signal: client.signal });
        answer.then((res) => res.text()).catch(() => undefined);
        await count.started.opened;
        const meanwhile = Number(await (await fetch(url)).text());
        expect(meanwhile).toBeLessThan(ENDLESS);
        client.abort();
        await count.over.opened;
        expect(count.steps).toBeLessThan(ENDLESS);
      });
    },
  );
});

async function awaited(running: ReturnType<typeof run>) {
  await running.result;
  return running;
}

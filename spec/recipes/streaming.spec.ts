/** The clients of docs/streaming.md, with the real packages, against a real server. */
import { EventSource } from 'eventsource';
import express from 'express';
import { watch } from '../../examples/clients/event-source.mjs';
import { readNdjson } from '../../examples/clients/read-ndjson.mjs';
import { readSse } from '../../examples/clients/read-sse.mjs';
import { type BindOptions, bind } from '../../lib/index.js';
import { envelopeApp, gate, SSE, serving } from '../helpers.js';

const ENVELOPE = { session_id: 's-1', inputs: { to: 2 } };
const READERS = [
  ['readSse', readSse],
  ['readNdjson', readNdjson],
] as const;

/** Counts the runs of the agent: it says a number and a line separator, which NDJSON readers would break at. */
function agentApp(options?: BindOptions) {
  const runs: AbortSignal[] = [];
  async function* count(to: unknown) {
    for (let n = 1; n <= Number(to); n += 1) {
      if (n === 13) throw Object.assign(new Error('Not 13'), { status: 409, expose: true });
      yield { n, text: `a\u2028b` };
    }
  }
  const route = bind(
    ['to'],
    ({ to }, { signal }) => {
      runs.push(signal);
      if (to === 0) throw Object.assign(new Error('Nothing'), { status: 404, expose: true });
      return count(to);
    },
    options,
  );
  return { runs, app: envelopeApp(express(), route).app };
}

async function collect(items: AsyncIterable<unknown>) {
  const collected: unknown[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}

describe.each(READERS)('%s', (_name, reader) => {
  it('reads every item as it was sent, line separators included', async () => {
    const { app, runs } = agentApp();
    const items = await serving(app, (url) => collect(reader(url, ENVELOPE)));
    expect(items).toEqual([1, 2].map((n) => ({ n, text: 'a\u2028b' })));
    expect(runs).toHaveLength(1);
  });

  it('throws the problem of a request that failed, and of a stream that fails in the middle', async () => {
    const { app } = agentApp();
    await serving(app, async (url) => {
      const nothing = collect(reader(url, { ...ENVELOPE, inputs: { to: 0 } }));
      await expect(nothing).rejects.toMatchObject({ cause: { status: 404, session_id: 's-1' } });
      const broken = collect(reader(url, { ...ENVELOPE, inputs: { to: 20 } }));
      await expect(broken).rejects.toMatchObject({ cause: { status: 409, detail: 'Not 13' } });
    });
  });

  it('ends the agent when its reader stops', async () => {
    const ended = gate();
    const route = bind([], (_bound, { signal }) => {
      signal.addEventListener('abort', () => ended.open());
      return (async function* () {
        for (;;) {
          yield 1;
          await new Promise(setImmediate);
        }
      })();
    });
    await serving(envelopeApp(express(), route).app, async (url) => {
      for await (const item of reader(url, {})) {
        expect(item).toBe(1);
        break;
      }
      await ended.opened;
    });
  });

  it('passes over heartbeats, and takes frames in any pieces', async () => {
    const sse = ':\n\ndata: {"n":1}\n\n:\n\n:\n\ndata: {"n":2}\n\n';
    const text = reader === readSse ? sse : '\n{"n":1}\n\n\n{"n":2}\n';
    const app = express();
    app.post('/', async (_req, res) => {
      for (const letter of text) {
        res.write(letter);
        await new Promise(setImmediate);
      }
      res.end();
    });
    const items = await serving(app, (url) => collect(reader(url, ENVELOPE)));
    expect(items).toEqual([{ n: 1 }, { n: 2 }]);
  });
});

describe('EventSource with a POST', () => {
  const items: unknown[] = [];
  const keep = (item: unknown) => items.push(item);
  beforeEach(() => items.splice(0));

  it('that is not closed runs the agent again when the stream has ended', async () => {
    const { app, runs } = agentApp();
    await serving(app, async (url) => {
      const source = new EventSource(url, {
        fetch: (input, init) =>
          fetch(input, {
            ...init,
            method: 'POST',
            headers: { ...init.headers, 'content-type': 'application/json' },
            body: JSON.stringify(ENVELOPE),
          }),
      });
      source.addEventListener('message', keep);
      while (runs.length < 2) await new Promise((resolve) => setTimeout(resolve, 50));
      source.close();
    });
    expect(items.length).toBeGreaterThanOrEqual(2);
  });

  it.each([
    ['an ordinary end', 2, 2],
    ['a failure in the stream', 20, 12],
    ['a refused request', 0, 0],
  ])('by the recipe is closed after %s', async (_title, to, expected) => {
    const { app, runs } = agentApp();
    await serving(app, async (url) => {
      const source = watch(url, { ...ENVELOPE, inputs: { to } }, keep);
      await new Promise((resolve) => source.addEventListener('error', resolve));
      expect(source.readyState).toBe(source.CLOSED);
    });
    expect(items).toHaveLength(expected);
    expect(runs).toHaveLength(1);
  });
});

describe('a client without a preference, as curl,', () => {
  it.each<[string, BindOptions | undefined, string]>([
    ['NDJSON', undefined, '{"n":1,"text":"a\\u2028b"}\n'],
    ['SSE, where the route says so', { stream: SSE }, 'data: {"n":1,"text":"a\\u2028b"}\n\n'],
  ])('gets %s', async (_title, options, expected) => {
    const { app } = agentApp(options);
    const text = await serving(app, async (url) => {
      const headers = { 'content-type': 'application/json', accept: '*/*' };
      const body = JSON.stringify({ inputs: { to: 1 } });
      return (await fetch(url, { method: 'POST', headers, body })).text();
    });
    expect(text).toBe(expected);
  });
});

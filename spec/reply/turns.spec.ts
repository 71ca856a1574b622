/** What one turn of the event loop is given to: other requests wait for as long. */
import { Readable } from 'node:stream';
import express from 'express';
import { defineEngine, run } from '../../lib/engines/index.js';
import { agentEnvelope, bind } from '../../lib/index.js';
import { agUiEvents } from '../../lib/protocols/ag-ui/index.js';
import { uiMessageStream } from '../../lib/protocols/ui-message-stream/index.js';
import { JSON_TYPE, NDJSON, serving } from '../helpers.js';

const ITEM = 'x'.repeat(10_000);
/** More than the buffers of a connection take: without them a socket would never say wait. */
const ITEMS = 400;
/** In bytes: what is gathered for one write, the socket's own buffer, and the 16 items that a Readable reads ahead. */
const MOST_IN_A_TURN = 512 * 1024;

/** A source that is never empty before its end. */
interface Made {
  readonly taken: () => void;
}

const made = (count: { value: number }, { taken }: Made) => {
  count.value += 1;
  taken();
  return count.value <= ITEMS;
};

const SOURCES: [kind: string, make: (next: () => boolean) => unknown][] = [
  ['an async generator', (next) => generate(next)],
  [
    'a Readable',
    (next) =>
      new Readable({
        objectMode: true,
        read() {
          this.push(next() ? ITEM : null);
        },
      }),
  ],
  [
    'a web stream',
    (next) => new ReadableStream({ pull: (out) => (next() ? out.enqueue(ITEM) : out.close()) }),
  ],
  [
    'a Response',
    (next) =>
      new Response(
        new ReadableStream({
          pull: (out) => (next() ? out.enqueue(Buffer.from(ITEM)) : out.close()),
        }),
      ),
  ],
  ['a run', (next) => running(next)],
  ['uiMessageStream()', (next) => uiMessageStream(running(next))],
  ['agUiEvents()', (next) => agUiEvents(running(next))],
];

async function* generate(next: () => boolean) {
  while (next()) yield ITEM;
}

function running(next: () => boolean) {
  const engine = defineEngine('ready', () => generate(next));
  return run(engine, { messages: [{ role: 'user', content: 'Hello' }] });
}

describe('a source that never pauses, and a client that takes everything', () => {
  it.each(SOURCES)('%s is sent in many turns', async (_kind, make) => {
    let inTurn = 0;
    let most = 0;
    let turning = true;
    const turn = () => {
      inTurn = 0;
      if (turning) setImmediate(turn);
    };
    const count = { value: 0 };
    const taken = () => {
      inTurn += ITEM.length;
      most = Math.max(most, inTurn);
    };
    const app = express();
    app.use(agentEnvelope());
    app.post(
      '/',
      bind([], () => make(() => made(count, { taken }))),
    );
    await serving(app, async (url) => {
      turn();
      const headers = { 'content-type': JSON_TYPE, accept: `${NDJSON}, */*;q=0.1` };
      const reply = await fetch(url, { method: 'POST', headers, body: '{"session_id":"a"}' });
      for await (const _ of reply.body ?? []);
      turning = false;
    });
    expect(count.value).toBeGreaterThan(ITEMS);
    expect(most).toBeLessThan(MOST_IN_A_TURN);
  });
});

it('tiny items that never pause leave other requests their turn', async () => {
  let [inTurn, most, turns] = [0, 0, true];
  const tick = () => {
    inTurn = 0;
    if (turns) setImmediate(tick);
  };
  const app = express();
  app.use(agentEnvelope());
  app.post(
    '/',
    bind([], async function* () {
      for (let i = 0; i < 5000; i += 1) {
        inTurn += 1;
        most = Math.max(most, inTurn);
        yield '';
      }
    }),
  );
  tick();
  try {
    const text = await serving(app, async (url) => {
      const headers = { 'content-type': JSON_TYPE };
      return (await fetch(url, { method: 'POST', headers, body: '{}' })).text();
    });
    expect([text.length, most < 1000]).toEqual([15_000, true]);
  } finally {
    turns = false;
  }
});

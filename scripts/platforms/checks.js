/** What must hold on every platform: a client goes in, a check throws where the platform's answer is wrong. */
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';

let count = 0;
/** An id that no other request has: apps keep what became of a session. */
const newId = () => `platform-${++count}`;
const envelope = (session_id, inputs = {}) => JSON.stringify({ session_id, data: { inputs } });

async function read({ status, header, parts }) {
  let text = '';
  for await (const part of parts) text += part;
  return { status, header, text, json: () => JSON.parse(text) };
}

async function value(send) {
  const id = newId();
  const inputs = { q: 'Grüße' };
  const reply = await read(await send('/invoke', envelope(id, inputs)));
  assert.equal(reply.status, 200, reply.text);
  assert.equal(reply.header('x-session-id'), id);
  const { session_id, data } = reply.json();
  assert.deepEqual(
    { session_id, data },
    { session_id: id, data: { outputs: { session_id: id, inputs } } },
  );
}

async function checked(send) {
  const misfit = { data: { inputs: { q: 'x' }, parameters: { q: 1 } } };
  const reply = await read(await send('/checked', JSON.stringify(misfit)));
  assert.equal(reply.status, 422, reply.text);
  assert.deepEqual(
    reply.json().errors.map(({ pointer }) => pointer),
    ['/data/inputs/q', '/data/parameters/q'],
  );
}

const problem = (body, status, code) => async (send) => {
  const reply = await read(await send('/invoke', body));
  assert.equal(reply.status, status, reply.text);
  assert.match(reply.header('content-type'), /^application\/problem\+json/);
  assert.equal(reply.json().code, code);
};

const FORMATS = {
  NDJSON: { type: 'application/x-ndjson', itemOf: (line) => line },
  SSE: {
    type: 'text/event-stream',
    itemOf: (line) => (line.startsWith('data: ') ? line.slice(6) : ''),
  },
};

/** The items of a stream, each as soon as its line is complete. */
async function* itemsOf({ parts }, { itemOf }) {
  let rest = '';
  for await (const part of parts) {
    const lines = (rest + part).split('\n');
    rest = lines.pop();
    for (const item of lines.map(itemOf)) if (item !== '') yield JSON.parse(item);
  }
}

/** `gated`: the app holds each further item back until the one before has been seen here. */
const stream = (name, gated) => async (send) => {
  const id = newId();
  const format = FORMATS[name];
  const reply = await send('/items', envelope(id, { gated }), { accept: format.type });
  assert.equal(reply.status, 200);
  assert.ok(reply.header('content-type').startsWith(format.type));
  assert.equal(reply.header('x-session-id'), id);
  const seen = [];
  for await (const item of itemsOf(reply, format)) {
    seen.push(item);
    if (gated && seen.length < 3) await read(await send('/release', envelope(id)));
  }
  assert.deepEqual(seen, [{ n: 1 }, { n: 2 }, { n: 3 }]);
};

const NOTICED_IN_MS = 5000;

async function leave(send) {
  const id = newId();
  const reply = await send('/endless', envelope(id), { accept: FORMATS.SSE.type });
  const items = itemsOf(reply, FORMATS.SSE);
  assert.deepEqual((await items.next()).value, { n: 1 });
  reply.leave();
  // What is left of the reply fails, or not: it is no longer of interest.
  items.next().catch(() => {});
  const noticed = { aborted: true, returned: true };
  let fate;
  for (const start = Date.now(); Date.now() - start < NOTICED_IN_MS; await delay(20)) {
    fate = (await read(await send('/left', envelope(id)))).json().data.outputs;
    if (fate.aborted && fate.returned) break;
  }
  assert.deepEqual(fate, noticed);
}

async function traced(send) {
  const id = newId();
  const reply = await read(await send('/traced', envelope(id)));
  assert.equal(reply.json().data?.outputs, id, reply.text);
}

const common = [
  ['a value is sent with its id', value],
  ['malformed JSON is a problem document', problem('{"session_id":', 400, 'MALFORMED_JSON')],
  ['the limit holds', problem(envelope('a', { q: 'x'.repeat(200_000) }), 413, 'BODY_TOO_LARGE')],
  ['a span has the id', traced],
  ['schemas of two drafts are checked', checked],
];

/** Where a connection brings each item, and can be left. */
export const connected = [
  ...common,
  ['NDJSON arrives item by item and ends', stream('NDJSON', true)],
  ['SSE arrives item by item and ends', stream('SSE', true)],
  ['a client that leaves is noticed', leave],
];

/** Where the reply is there at once. */
export const buffered = [
  ...common,
  ['NDJSON ends', stream('NDJSON', false)],
  ['SSE ends', stream('SSE', false)],
];

/** That what stands between really compresses. */
export const compresses = [
  'a value is compressed',
  async (send) => {
    const reply = await send('/invoke', envelope(newId(), { q: 'x'.repeat(5000) }));
    assert.equal(reply.header('content-encoding'), 'gzip');
    assert.equal((await read(reply)).json().data.outputs.inputs.q.length, 5000);
  },
];

const messages = [{ role: 'user', content: 'Hello' }];
const output = async (send, path, inputs) => {
  const reply = await read(await send(path, envelope(newId(), { messages, ...inputs })));
  assert.equal(reply.json().data?.outputs.output, 'Hello', reply.text);
};

/** `url`: where the runner, the same app, is. */
export const engines = [
  ['an engine runs', (send) => output(send, '/run')],
  ['remote() calls a runner', (send, { url }) => output(send, '/remote', { url: `${url}/run` })],
  [
    'an adapter says which package it misses',
    async (send) => {
      const reply = await read(await send('/peers', envelope(newId())));
      assert.deepEqual(
        reply.json().data?.outputs.map((text) => text.split(':')[0]),
        [
          'PEER_MISSING pi() needs @earendil-works/pi-coding-agent',
          'PEER_MISSING rivet() needs sandbox-agent',
        ],
      );
    },
  ],
];

/** A controller of Nest's, which knows nothing of this package. */
export const inController = [
  'a controller is in the session',
  async (send) => {
    const id = newId();
    const reply = await read(await send('/plain', envelope(id)));
    assert.deepEqual([reply.status, reply.json()], [201, { session_id: id }]);
    assert.equal(reply.header('x-session-id'), id);
  },
];

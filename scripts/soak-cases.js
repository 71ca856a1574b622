/** The requests of a soak: each is a path, an envelope, and what must come back. */

/** A generator of numbers below 1 that are the same in each run. */
export function createRandom(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const envelope = (id, inputs) => JSON.stringify({ session_id: id, data: { inputs } });

/** A request whose reply has the status, `id` in its header and `id` in every place that tells one. */
const good = (path, id, inputs, more) => ({
  path,
  body: envelope(id, inputs),
  status: 200,
  header: id,
  ids: id,
  tells: true,
  ...more,
});
/** A reply that tells nothing of what the handler saw. */
const refused = (path, id, body, status, more) => ({
  ...{ path, body, status, header: id, ids: id, tells: false },
  ...more,
});
/** Of a request whose id was not read, or not taken. */
const NO_HEADER = { header: undefined };

const SSE = { accept: 'text/event-stream' };
const NDJSON = { accept: 'application/x-ndjson' };

const VALUES = [
  (id) => good('/plain', id, {}),
  (id) => good('/value', id, {}),
  (id) => good('/declared', id, { count: 1 }),
  (id) => good('/run', id, { text: 'a word' }),
  () => good('/value', undefined, {}),
  () => good('/plain', undefined, {}),
];
const STREAMS = [
  (id) => good('/stream', id, { count: 12 }, SSE),
  (id) => good('/stream', id, { count: 12 }, NDJSON),
  (id) => good('/run', id, { text: 'a word' }, SSE),
  (id) => good('/run', id, { text: 'a word' }, NDJSON),
];
const BAD = [
  (id) => refused('/value', id, `{"session_id":"${id}",`, 400, NO_HEADER),
  (id) => refused('/value', id, envelope(`${id} no id`, {}), 400, NO_HEADER),
  (id) => refused('/value', id, `{"session_id":"${id}","data":[]}`, 400),
  (id) => refused('/value', id, 'text', 415, { ...NO_HEADER, type: 'text/plain' }),
  (id) => refused('/value', id, envelope(id, {}), 406, { accept: 'image/png' }),
  (id) => refused('/declared', id, envelope(id, { count: 'one' }), 422),
  (id) => refused('/throws', id, envelope(id, {}), 500),
  (id) => refused('/nowhere', id, envelope(id, {}), 404),
];
const ENDLESS = [(id) => good('/stream', id, {}, SSE), (id) => good('/stream', id, {}, NDJSON)];

/** The error codes that `BAD` leads to: the app's error handler may see these, and no other. */
export const BAD_CODES = [
  'MALFORMED_JSON',
  'entity.parse.failed',
  'INVALID_FIELD',
  'INVALID_ENVELOPE',
  'UNSUPPORTED_MEDIA_TYPE',
  'NOT_ACCEPTABLE',
  'INVALID_INPUT',
  'as asked',
];

/** One of a hundred lots: how it is sent, by which client, and the requests that go together. */
export function createCases(random) {
  const pick = (list) => list[Math.floor(random() * list.length)];
  let count = 0;
  const make = (list) => {
    count += 1;
    return pick(list)(`soak-${count}-${Math.floor(random() * 1e9)}`);
  };
  const several = (list) => Array.from({ length: 4 }, () => make(list));
  return () => {
    const lot = random() * 100;
    if (lot < 3) return ['leave', [make(ENDLESS)]];
    if (lot < 4) return ['leave', [make(VALUES)]];
    if (lot < 5) return ['pipelineAndLeave', several(ENDLESS)];
    if (lot < 10) return ['send', [make(BAD)]];
    if (lot < 12) return ['pipeline', several(VALUES)];
    if (lot < 13) return ['pipeline', several(STREAMS)];
    if (lot < 17) return ['sendHttp2', [make(random() < 0.5 ? VALUES : STREAMS)]];
    if (lot < 18) return ['leaveHttp2', [make(ENDLESS)]];
    return ['send', [make(random() < 0.7 ? VALUES : STREAMS)]];
  };
}

/** What is wrong with a reply, in words, by the goal that it misses; nothing when all is well. */
export function faultsOf(sent, reply) {
  const faults = {};
  if (reply.status !== sent.status)
    faults.status = `${sent.path}: ${reply.status}, not ${sent.status}`;
  else if (reply.sessionId !== sent.header) {
    faults.id = `${sent.path}: ${reply.sessionId} in the header, not ${sent.header}`;
  }
  Object.assign(faults, strangersIn(sent, reply.text));
  if (sent.tells && reply.status === 200 && !reply.text.includes('seen=')) {
    faults.incomplete = `${sent.path}: the reply does not tell what was seen`;
  }
  return faults;
}

/** The ids that a reply, or the part of it that came, tells and should not. */
export function strangersIn({ path, ids }, text) {
  const told = [...text.matchAll(/seen=([^;]*);/g)].flatMap(([, list]) => list.split(','));
  for (const [, id] of text.matchAll(/"session_id":"([^"]*)"/g)) told.push(id);
  const stranger = told.find((id) => id !== String(ids));
  return stranger === undefined ? {} : { id: `${path}: told ${stranger}, not ${ids}` };
}

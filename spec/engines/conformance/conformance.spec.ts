import { trace } from '@opentelemetry/api';
import { conformance } from '../../../lib/engines/conformance/index.js';
import type { AgentEngine, AgentEvent, EngineSession } from '../../../lib/engines/index.js';
import { getSessionId, withSessionId } from '../../../lib/index.js';
import { fail, smallEngine } from '../small-engine.js';
import { startTracing } from '../tracing.js';

let tracing: ReturnType<typeof startTracing>;
beforeAll(() => {
  tracing = startTracing();
});
afterAll(() => tracing.stop());

type Script = () => AsyncIterable<AgentEvent>;

const casesOf = (engine: () => AgentEngine, failingEngine: () => AgentEngine = engine) => {
  const finishedSpans = () => tracing.finishedSpans();
  return conformance({ engine, failingEngine, finishedSpans, quotes: true });
};

/** An engine whose session differs in this from one that conforms. */
const withSession = (change: object | ((session: EngineSession) => object)) => () => {
  const engine = smallEngine();
  const open = engine.open.bind(engine);
  engine.open = async (...args) => {
    const session = await open(...args);
    return { ...session, ...(typeof change === 'function' ? change(session) : change) };
  };
  return engine;
};
const sends = (script: Script) => withSession({ prompt: script });
/** One event, amid an answer that is right. */
const sendsToo = (event: unknown) =>
  sends(async function* () {
    yield { type: 'message.delta', delta: 'a' };
    yield event as AgentEvent;
    yield { type: 'run.end', stop_reason: 'stop' };
  });

const nameless = withSession({ id: ' ' });
const impostor = withSession({ id: 'platform-1' });
const mute = sends(async function* () {
  yield { type: 'run.end', stop_reason: 'stop' };
});
const alwaysTheSame = sends(async function* () {
  yield { type: 'message.delta', delta: 'always the same' };
  yield { type: 'run.end', stop_reason: 'stop' };
});
const endless = sends(async function* () {
  yield { type: 'message.delta', delta: 'a' };
});
const elsewhere = sends(async function* () {
  withSessionId('of-the-engine', () => trace.getTracer('spec').startSpan('own').end());
  yield { type: 'message.delta', delta: 'Hello' };
  yield { type: 'run.end', stop_reason: 'stop' };
});
const curious = () => {
  const engine = smallEngine();
  const open = engine.open.bind(engine);
  engine.open = (request, signal) => {
    Object.assign(request, { sessionId: getSessionId() });
    return open(request, signal);
  };
  return engine;
};
const deaf = () => {
  const engine = smallEngine();
  const open = engine.open.bind(engine);
  engine.open = (request) => open(request, new AbortController().signal);
  return engine;
};
const textOnly = () => {
  const engine = smallEngine();
  const open = engine.open.bind(engine);
  engine.open = (request, signal) => {
    if (request.messages.some(({ content }) => typeof content !== 'string')) {
      throw new Error('no text');
    }
    return open(request, signal);
  };
  return engine;
};
const unclosable = withSession({ close: undefined });
const badlyClosing = withSession({ close: () => Promise.reject(new Error('stuck')) });

const BROKEN: readonly [caseName: string, engine: () => AgentEngine, message?: string][] = [
  ["goes by the platform's id when there is one, and keeps its own beside it", impostor],
  [
    'goes by the id of the active session when the request has none',
    elsewhere,
    'session.id of own',
  ],
  ["goes by its own id when the platform's is undefined", nameless],
  ["goes by its own id when the platform's is null", nameless],
  [`goes by its own id when the platform's is ""`, nameless],
  [String.raw`goes by its own id when the platform's is " \t"`, nameless],
  ['gives a session without an id its own', nameless],
  [
    'has one id on the start event, the result and every span, and one trace',
    elsewhere,
    'session.id of own',
  ],
  ["never sees the platform's id", curious, 'secret-id'],
  ['continues a conversation under the id of its first turn', elsewhere, 'session.id of own'],
  ['keeps two interleaved conversations apart', alwaysTheSame, 'first-question'],
  ['sends no event but those of the vocabulary', sendsToo({ type: 'error' }), '"error"'],
  [
    'sends each message.delta with the members that it must have',
    sendsToo({ type: 'message.delta' }),
    'delta must be a string',
  ],
  [
    'sends each reasoning.delta with the members that it must have',
    sendsToo({ type: 'reasoning.delta' }),
    'delta must be a string',
  ],
  [
    'sends each tool.call with the members that it must have',
    sendsToo({ type: 'tool.call', id: 'a' }),
    'name must be a string',
  ],
  [
    'sends each tool.result with the members that it must have',
    sendsToo({ type: 'tool.result', id: 'a' }),
    'is_error must be true or false',
  ],
  [
    'sends each tool.approval with the members that it must have',
    sendsToo({ type: 'tool.approval', id: 'a' }),
    'name must be a string',
  ],
  [
    'asks for the approval of a call that it has told, and ends with the reason approval',
    sendsToo({ type: 'tool.approval', id: 'a', name: 'b', arguments: {} }),
    'comes after its tool.call',
  ],
  [
    'sends each session.replaced with the members that it must have',
    sendsToo({ type: 'session.replaced', from: 'a' }),
    'to must be a string',
  ],
  [
    'sends each usage with the members that it must have',
    sendsToo({ type: 'usage', input_tokens: '9' }),
    'input_tokens must be a number',
  ],
  [
    'sends each run.end with the members that it must have',
    sendsToo({ type: 'run.end', stop_reason: {} }),
    'stop_reason must be a string',
  ],
  [
    'leaves run.start to run()',
    sendsToo({ type: 'run.start', session_id: 'x' }),
    'the session sent run.start',
  ],
  ['ends its answer with run.end, which has the reason', endless, 'run.end is the last event'],
  ['streams the text that the result has', mute],
  ['takes text in parts', alwaysTheSame, 'second-part'],
  ['takes an image, or refuses it by its place', textOnly, 'The engine "small" failed'],
  ['takes an image by its URL, or refuses it by its place', textOnly, 'failed'],
  ['takes a file, or refuses it by its place', textOnly, 'failed'],
  ['takes the tool calls of earlier turns, or refuses them by their place', textOnly, 'failed'],
  ['takes the decision about a tool call, or refuses it by its place', textOnly, 'failed'],
  [
    'is closed once, without a failure, after a run that succeeds',
    badlyClosing,
    'close() rejected: Error: stuck',
  ],
  ['is closed once after a run that fails, which has the code ENGINE_FAILED', () => smallEngine()],
  ['is closed once when the signal aborts in the middle', badlyClosing, 'close() rejected'],
  ['is closed once when the consumer stops early', badlyClosing, 'close() rejected'],
  ['does not answer under a signal that has aborted', deaf, 'the engine answered'],
];

describe('a conformance case rejects for an engine that breaks its rule:', () => {
  it.each(BROKEN)('%s', async (caseName, engine, message = '') => {
    const found = casesOf(engine).find(({ name }) => name === caseName);
    expect(found).toBeDefined();
    await expect(found?.test()).rejects.toThrow(message);
  });

  it('no case is without such an engine', () => {
    const names = casesOf(smallEngine).map(({ name }) => name);
    expect(BROKEN.map(([name]) => name).sort()).toEqual(names.sort());
  });
});

describe('an engine that takes text only conforms: it', () => {
  const textOnlyBy = (script?: Script) => () => ({ ...smallEngine(script), accepts: [] });
  it.each(casesOf(textOnlyBy(), textOnlyBy(fail)))('$name', ({ test }) => test());
});

describe('an engine cannot pass whose answer', () => {
  const END: AgentEvent = { type: 'run.end', stop_reason: 'stop' };
  it.each<[what: string, script: Script, message: string]>([
    [
      'goes on after run.end',
      async function* () {
        yield* [END, { type: 'message.delta', delta: 'a' }] as const;
      },
      'run.end is the last event',
    ],
    [
      'ends twice',
      async function* () {
        yield* [END, END];
      },
      'run.end is the last event',
    ],
    [
      'never ends after run.end',
      async function* () {
        yield END;
        await new Promise(() => {});
      },
      'the answer is over within 5000 ms of run.end',
    ],
  ])('%s', async (_what, script, message) => {
    const name = 'ends its answer with run.end, which has the reason';
    const found = casesOf(sends(script)).find((each) => each.name === name);
    await expect(found?.test()).rejects.toThrow(message);
  });
});

describe('an engine cannot pass whose session', () => {
  const closing = () => casesOf(unclosable, withSession({ prompt: fail, close: undefined }));
  const ends = closing().filter(({ name }) => name.startsWith('is closed'));

  it.each(ends)('has no close(): it "$name"', async ({ test }) => {
    await expect(test()).rejects.toThrow('the session has no close()');
  });
});

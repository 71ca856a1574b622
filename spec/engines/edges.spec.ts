/** What engines, signals and tracing do wrong, and what a run makes of it. */
import { jest } from '@jest/globals';
import { context, diag, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { BasicTracerProvider, type SpanProcessor } from '@opentelemetry/sdk-trace-base';
import {
  type AgentEngine,
  type AgentEvent,
  type AgentRun,
  defineEngine,
  run,
} from '../../lib/engines/index.js';
import { SessionSpanProcessor, withSessionId } from '../../lib/index.js';
import type { AgentMessage } from '../../lib/shared/messages.js';
import { gate } from '../helpers.js';
import { smallEngine, useTool } from './small-engine.js';

const ASK = { messages: [{ role: 'user', content: 'Hello' }] } as const;

const failureOf = (running: AgentRun) =>
  running.result.then(
    () => 'no failure',
    (error: unknown) => error,
  );
const sends = (...events: unknown[]) =>
  smallEngine(async function* () {
    yield* events as AgentEvent[];
  });
/** The small engine, with another session. */
const opening = (change: object): AgentEngine => {
  const engine = smallEngine();
  const { open } = engine;
  engine.open = async (...args) => ({ ...(await open(...args)), ...change });
  return engine;
};

const DELTA: AgentEvent = { type: 'message.delta', delta: 'a' };
const END: AgentEvent = { type: 'run.end', stop_reason: 'stop' };
/** What an engine of its own may do after it has said all. */
const AFTER_THE_END: [what: string, engine: () => AgentEngine][] = (
  [
    [
      'never ends its iterator',
      async function* () {
        yield* [DELTA, END];
        await new Promise(() => {});
      },
    ],
    [
      'says more',
      async function* () {
        yield* [DELTA, END, DELTA];
      },
    ],
    [
      'ends again, for another reason',
      async function* () {
        yield* [DELTA, END, { type: 'run.end', stop_reason: 'length' }];
      },
    ],
    [
      'sends what is no event',
      async function* () {
        yield* [DELTA, END, 7];
      },
    ],
    [
      'throws',
      async function* () {
        yield* [DELTA, END];
        throw new Error('late');
      },
    ],
    [
      'throws in its clean-up',
      async function* () {
        try {
          yield* [DELTA, END];
        } finally {
          await Promise.reject(new Error('late'));
        }
      },
    ],
    [
      'has an iterator that cannot be closed',
      () => {
        const events = [DELTA, END, DELTA];
        const next = async () => ({ done: events.length === 0, value: events.shift() });
        return { [Symbol.asyncIterator]: () => ({ next }) };
      },
    ],
  ] as const
).flatMap(([what, prompt]) => [
  [what, () => opening({ prompt })],
  [`${what}, by defineEngine()`, () => defineEngine('own', prompt as never)],
]);

describe('an event that is none fails the run, and the failure names its type:', () => {
  it.each([
    [undefined, 'an event that is not an object'],
    ['text', 'an event that is not an object'],
    [{}, 'an event without a type'],
    [{ type: 7 }, 'an event without a type'],
    [{ type: 'error', error: 'boom' }, 'an event of the unknown type "error"'],
    [{ type: 'toString' }, 'an event of the unknown type "toString"'],
    [{ type: 'a\nb' }, String.raw`an event of the unknown type "a\nb"`],
    [{ type: 'message.delta' }, '"message.delta" that is not valid: delta must be a string'],
    [{ type: 'message.delta', delta: 7 }, '"message.delta" that is not valid: delta'],
    [{ type: 'tool.call', name: 'x' }, '"tool.call" that is not valid: id must be a string'],
    [{ type: 'tool.call', id: 'a' }, '"tool.call" that is not valid: name must be a string'],
    [{ type: 'tool.result', id: 'a' }, '"tool.result" that is not valid: is_error must be true'],
    [{ type: 'session.replaced', from: 'a' }, '"session.replaced" that is not valid: to must be'],
    [{ type: 'usage', input_tokens: '9', output_tokens: 1 }, '"usage" that is not valid: input_'],
    [{ type: 'usage', input_tokens: 9, output_tokens: -1 }, '"usage" that is not valid: output_'],
    [{ type: 'usage', input_tokens: NaN, output_tokens: 1 }, '"usage" that is not valid: input_'],
    [{ type: 'run.end', stop_reason: {} }, '"run.end" that is not valid: stop_reason must be'],
  ])('%j', async (event, message) => {
    expect(await failureOf(run(sends(event), ASK))).toMatchObject({
      code: 'ENGINE_FAILED',
      message: expect.stringContaining(`The engine "small" sent`),
    });
    const failure = await failureOf(run(sends(event), ASK));
    expect((failure as Error).message).toContain(message);
  });
});

describe('an engine that forgets its promises', () => {
  const iterator = (next: () => unknown) => ({ [Symbol.asyncIterator]: () => ({ next }) });

  it('may open without one', async () => {
    const session = await smallEngine().open(ASK, new AbortController().signal);
    const engine = { name: 'sync', open: () => session } as unknown as AgentEngine;
    await expect(run(engine, ASK).result).resolves.toMatchObject({ output: 'You said: Hello' });
  });

  it('may give its events without one', async () => {
    const events = [{ type: 'message.delta', delta: 'a' }];
    const next = () => ({ done: events.length === 0, value: events.shift() });
    const engine = opening({ prompt: () => iterator(next) });
    await expect(run(engine, ASK).result).resolves.toMatchObject({ output: 'a' });
  });

  it.each<[string, unknown]>([
    ['opens nothing', { name: 'x', open: () => undefined }],
    ['opens what is no session', { name: 'x', open: async () => 'session' }],
    ['throws where it should reject', { name: 'x', open: () => JSON.parse('{') }],
    ['resolves a step with undefined', opening({ prompt: () => iterator(async () => undefined) })],
    ['resolves a step with null', opening({ prompt: () => iterator(async () => null) })],
    ['throws a step', opening({ prompt: () => iterator(() => JSON.parse('{')) })],
    ['answers with nothing', opening({ prompt: () => undefined })],
    ['answers with a promise', opening({ prompt: async () => [] })],
    ['has a model that is none', opening({ model: 7 })],
  ])('fails its run when it %s', async (_what, engine) => {
    expect(await failureOf(run(engine as AgentEngine, ASK))).toMatchObject({
      code: 'ENGINE_FAILED',
      status: 502,
    });
  });

  // A rejection that nobody handles would end the process.
  it.each<[string, () => AgentEngine]>([
    ['its id', () => opening({ id: Promise.reject(new Error('late')) })],
    ['its model', () => opening({ model: Promise.reject(new Error('late')) })],
    ['its events', () => opening({ prompt: () => Promise.reject(new Error('late')) })],
    [
      'the events of defineEngine()',
      () => defineEngine('x', (() => Promise.reject(new Error('late'))) as never),
    ],
  ])('fails its run, and nothing else, when it rejects in the place of %s', async (_of, engine) => {
    const unhandled: unknown[] = [];
    const keep = (reason: unknown) => unhandled.push(reason);
    process.on('unhandledRejection', keep);
    try {
      expect(await failureOf(run(engine(), ASK))).toMatchObject({ code: 'ENGINE_FAILED' });
      await new Promise(setImmediate);
      expect(unhandled).toEqual([]);
    } finally {
      process.off('unhandledRejection', keep);
    }
  });

  it('ends with its signal although the iterator of its events rejects to be returned', async () => {
    const unhandled: unknown[] = [];
    const keep = (reason: unknown) => unhandled.push(reason);
    process.on('unhandledRejection', keep);
    const controller = new AbortController();
    const next = () => new Promise(() => controller.abort(new Error('stopped')));
    const prompt = () => ({
      [Symbol.asyncIterator]: () => ({ next, return: () => Promise.reject(new Error('late')) }),
    });
    const running = run(opening({ prompt }), ASK, { signal: controller.signal });
    expect(await failureOf(running)).toMatchObject({ message: 'stopped' });
    await new Promise(setImmediate);
    process.off('unhandledRejection', keep);
    expect(unhandled).toEqual([]);
  });

  it('handles the promises of a session that opens after an abort, too', async () => {
    const unhandled: unknown[] = [];
    const keep = (reason: unknown) => unhandled.push(reason);
    process.on('unhandledRejection', keep);
    const { open, opened } = gate<object>();
    const closed = gate();
    const engine = { name: 'late', open: () => opened } as unknown as AgentEngine;
    const controller = new AbortController();
    const failure = failureOf(run(engine, ASK, { signal: controller.signal }));
    controller.abort(new Error('stopped'));
    expect(await failure).toMatchObject({ message: 'stopped' });
    open({ id: Promise.reject(new Error('late')), prompt() {}, close: async () => closed.open() });
    await closed.opened;
    await new Promise(setImmediate);
    process.off('unhandledRejection', keep);
    expect(unhandled).toEqual([]);
  });

  it('does not withhold a complete answer when its close() rejects, and the logger throws', async () => {
    const log = () => {
      throw new Error('no log today');
    };
    diag.setLogger({ error: log, warn: log, info: log, debug: log, verbose: log });
    const close = () => Promise.reject(new Error('stuck'));
    const { output } = await run(opening({ close }), ASK).result.finally(() => diag.disable());
    expect(output).toBe('You said: Hello');
  });

  it('does not withhold a complete answer when its close() hangs', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
    try {
      let closing = false;
      const close = () => {
        closing = true;
        return new Promise<void>(() => {});
      };
      const { result } = run(opening({ close }), ASK);
      const answered = result.then(({ output }) => output);
      while (!closing) await new Promise(setImmediate);
      await jest.advanceTimersByTimeAsync(5_000);
      expect(await answered).toBe('You said: Hello');
    } finally {
      jest.useRealTimers();
    }
  });
});

describe('a run that cannot begin fails in its result, too:', () => {
  const messages = () => [{ role: 'user', content: 'Hello' }] as AgentMessage[];
  it.each<[what: string, start: () => AgentRun]>([
    [
      'its engine has a provider that cannot be read',
      () => {
        const provider = {
          get: () => {
            throw new Error('no key');
          },
        };
        return run(Object.defineProperty(smallEngine(), 'provider', provider), ASK);
      },
    ],
    [
      'its messages have changed since',
      () => {
        const sent = messages();
        const running = run(smallEngine(), { messages: sent });
        sent.push(null as never);
        return running;
      },
    ],
    [
      'its engine has changed since',
      () => {
        const engine = { ...smallEngine(), accepts: [] };
        const running = run(engine, { messages: messages() });
        engine.accepts = 5 as never;
        return running;
      },
    ],
  ])('%s', async (_what, start) => {
    const failed = { code: 'ENGINE_FAILED', cause: expect.any(Error) };
    expect(await failureOf(start())).toMatchObject(failed);
    const running = start();
    await expect(running[Symbol.asyncIterator]().next()).rejects.toMatchObject(failed);
    expect(await failureOf(running)).toMatchObject(failed);
  });
});

describe('an answer', () => {
  it.each<[what: string, engine: () => AgentEngine]>(AFTER_THE_END)(
    'is over with run.end, although its engine %s',
    async (_what, engine) => {
      const running = run(engine(), ASK);
      const events: AgentEvent[] = [];
      for await (const event of running) events.push(event);
      expect(events.slice(1)).toEqual([DELTA, END]);
      expect(await running.result).toMatchObject({ output: 'a', stopReason: 'stop' });
      expect((await run(engine(), ASK).result).output).toBe('a');
    },
  );

  it('waits until its generator has cleaned up, and is closed then', async () => {
    const order: string[] = [];
    const engine = opening({
      async *prompt() {
        try {
          yield* [DELTA, END];
        } finally {
          await new Promise(setImmediate);
          order.push('finally');
        }
      },
      close: async () => void order.push('close'),
    });
    await run(engine, ASK).result;
    expect(order).toEqual(['finally', 'close']);
  });
});

describe('a signal that many runs share', () => {
  // Node warns of a leak at the eleventh listener.
  it('gets one listener, which aborts each of them, and keeps none afterwards', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const added = jest.spyOn(signal, 'addEventListener');
    const removed = jest.spyOn(signal, 'removeEventListener');
    await Promise.all(Array.from({ length: 11 }, () => run(smallEngine(), ASK, { signal }).result));
    expect(added).toHaveBeenCalledTimes(1);
    expect(removed).toHaveBeenCalledTimes(1);
    const stuck = Array.from({ length: 11 }, () => {
      const engine = smallEngine(async function* () {
        yield { type: 'message.delta', delta: 'a' };
        await new Promise(() => {});
      });
      return failureOf(run(engine, ASK, { signal }));
    });
    await new Promise(setImmediate);
    controller.abort();
    for (const failure of await Promise.all(stuck)) {
      expect(failure).toMatchObject({ name: 'AbortError' });
    }
    expect(added).toHaveBeenCalledTimes(2);
  });
});

it('a run ends with the reason of its signal although nothing can be read of that', async () => {
  const { proxy: reason, revoke } = Proxy.revocable({}, {});
  revoke();
  const controller = new AbortController();
  const engine = smallEngine(async function* () {
    yield { type: 'message.delta', delta: 'a' };
    controller.abort(reason);
  });
  const running = run(engine, ASK, { signal: controller.signal });
  const read = async () => {
    for await (const { type } of running) expect(type).not.toBe('run.end');
  };
  const isReason = [read(), running.result].map((end) => end.catch((error) => error === reason));
  expect(await Promise.all(isReason)).toEqual([true, true]);
});

describe('tracing that throws fails no run', () => {
  const broken = () => {
    throw new Error('no tracing today');
  };
  const processor = (change: Partial<SpanProcessor>): SpanProcessor => ({
    onStart: () => {},
    onEnd: () => {},
    forceFlush: async () => {},
    shutdown: async () => {},
    ...change,
  });
  /** Every span that starts loses one of its methods. */
  const without = (method: string) =>
    processor({ onStart: (span) => Object.assign(span, { [method]: broken }) });

  beforeEach(() => context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable()));
  afterEach(() => {
    context.disable();
    trace.disable();
  });

  const PROCESSORS: [string, SpanProcessor][] = [
    ['a processor at the start of a span', processor({ onStart: broken })],
    ['a processor at the end of a span', processor({ onEnd: broken })],
    ['setAttribute()', without('setAttribute')],
    ['setAttributes()', without('setAttributes')],
    ['setStatus()', without('setStatus')],
    ['isRecording()', without('isRecording')],
    ['spanContext()', without('spanContext')],
    ['end()', without('end')],
  ];

  it.each(PROCESSORS)('%s', async (_what, bad) => {
    const spanProcessors = [bad, new SessionSpanProcessor()];
    trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors }));
    const engine = () => smallEngine(useTool);
    const result = await run(engine(), ASK, { captureContent: true }).result;
    expect(result.output).toBe('Let me see. Found.');
    const events: string[] = [];
    for await (const { type } of run(engine(), { ...ASK, sessionId: 's' })) events.push(type);
    expect(events.at(-1)).toBe('run.end');
    const failed = expect.objectContaining({ code: 'ENGINE_FAILED' });
    expect(await failureOf(run(sends({}), ASK))).toEqual(failed);
    const reading = async () => {
      for await (const { type } of run(sends({}), ASK)) expect(type).toBe('run.start');
    };
    await expect(reading).rejects.toEqual(failed);
  });

  it('a tracer that starts no span, in a session that waits for its id', async () => {
    trace.setGlobalTracerProvider({ getTracer: () => ({ startSpan: broken }) } as never);
    const result = await withSessionId(null, () => run(smallEngine(), ASK).result);
    expect(result).toMatchObject({ output: 'You said: Hello', traceId: undefined });
  });

  it.each<[string, () => unknown]>([
    ['is nested 9000 levels deep', () => JSON.parse('['.repeat(9000) + ']'.repeat(9000))],
    ['holds a BigInt', () => 1n],
    [
      'holds a getter that throws',
      () => Object.defineProperty({}, 'x', { get: broken, enumerable: true }),
    ],
  ])('content on spans that %s', async (_what, make) => {
    trace.setGlobalTracerProvider(new BasicTracerProvider());
    const messages = [{ ...ASK.messages[0], extra: make() }];
    const engine = smallEngine(async function* () {
      yield { type: 'tool.call', id: 'a', name: 'x', arguments: make() };
      yield { type: 'tool.result', id: 'a', output: make(), is_error: false };
      yield { type: 'message.delta', delta: 'done' };
    });
    const { output } = await run(engine, { messages }, { captureContent: true }).result;
    expect(output).toBe('done');
  });
});

import { once } from 'node:events';
import { Readable } from 'node:stream';
import { setImmediate as macrotask } from 'node:timers/promises';
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express';
import {
  type AgentEnvelopeOptions,
  agentEnvelope,
  bind,
  EnvelopeError,
  getSessionId,
} from '../../lib/index.js';
import { type AgentRun, brandRun } from '../../lib/shared/agent-run.js';
import {
  connect,
  envelopeApp,
  gate,
  JSON_TYPE,
  NDJSON,
  post,
  responseTo,
  SSE,
  serverSpan,
  serving,
  useTracing,
} from '../helpers.js';

const BODY = { session_id: 's-1' };

/** An app whose one route returns what `produce` makes, and that keeps the errors which reach its error handler. */
function replying(produce: () => unknown, options?: AgentEnvelopeOptions) {
  return appOf(
    bind([], () => produce()),
    options,
  );
}

const appOf = (route: RequestHandler, options?: AgentEnvelopeOptions) =>
  envelopeApp(express(), route, options);

const send = (url: string, accept?: string, body: object = BODY) =>
  fetch(url, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'Content-Type': JSON_TYPE, ...(accept === undefined ? {} : { Accept: accept }) },
  });

/** One exchange, to its end. */
function exchange(app: Express, accept?: string, body: object = BODY) {
  return serving(app, async (url) => {
    const res = await send(url, accept, body);
    return { status: res.status, headers: res.headers, text: await res.text() };
  });
}

/** An async iterable that counts how it is used. */
function counted(items: readonly unknown[]) {
  const calls = { iterators: 0, next: 0, returned: 0 };
  const iterable: AsyncIterable<unknown> = {
    [Symbol.asyncIterator]() {
      calls.iterators += 1;
      let i = 0;
      return {
        async next() {
          calls.next += 1;
          const item = items[i++];
          if (item instanceof Error) throw item;
          return i > items.length ? { done: true, value: undefined } : { done: false, value: item };
        },
        async return() {
          calls.returned += 1;
          return { done: true, value: undefined };
        },
      };
    },
  };
  return { calls, iterable };
}

/** What an engine's run is to a reply. */
function runOf(result: unknown, items: readonly unknown[] = [{ type: 'run.start' }]) {
  const { calls, iterable } = counted(items);
  return { calls, run: runWith(Promise.resolve(result), iterable) };
}

function runWith(result: Promise<unknown>, events: AsyncIterable<unknown>): AgentRun {
  return brandRun(Object.assign(events, { result }) as unknown as AgentRun);
}

describe('a value', () => {
  it.each([null, 0, '', false, 'text', 42, [], [1, null], {}, { a: { b: 1 } }])(
    'such as %j is the `outputs` of the reply',
    async (value) => {
      for (const produce of [() => value, async () => value]) {
        const { status, headers, text } = await exchange(replying(produce).app);
        expect(status).toBe(200);
        expect(headers.get('content-type')).toMatch(/^application\/json(;|$)/);
        expect(headers.get('x-session-id')).toBe('s-1');
        expect(JSON.parse(text)).toStrictEqual({ session_id: 's-1', data: { outputs: value } });
      }
    },
  );

  it('has no session_id and no header when the request has no session', async () => {
    const { headers, text } = await exchange(replying(() => 'v').app, '*/*', {});
    expect(JSON.parse(text)).toStrictEqual({ data: { outputs: 'v' } });
    expect(headers.has('x-session-id')).toBe(false);
  });

  it('has the id under the header that the app chose, or under none', async () => {
    const named = await exchange(replying(() => 'v', { responseHeader: 'x-chat' }).app);
    expect([named.headers.get('x-chat'), named.headers.has('x-session-id')]).toEqual([
      's-1',
      false,
    ]);
    const { headers, text } = await exchange(replying(() => 'v', { responseHeader: false }).app);
    expect(headers.has('x-session-id')).toBe(false);
    expect(JSON.parse(text).session_id).toBe('s-1');
  });

  it('keeps the status and the headers that the handler set', async () => {
    const { app } = appOf(
      bind([], (_bound, { res }) => {
        res.status(202).set('x-own', 'yes');
        return 'accepted';
      }),
    );
    const { status, headers, text } = await exchange(app);
    expect([status, headers.get('x-own')]).toEqual([202, 'yes']);
    expect(JSON.parse(text).data.outputs).toBe('accepted');
  });

  it('is a 406 where only a stream is taken', async () => {
    for (const accept of [SSE, NDJSON, 'application/jsonl']) {
      const { app, errors } = replying(() => 'v');
      const { status, headers, text } = await exchange(app, accept);
      expect([status, JSON.parse(text).code]).toEqual([406, 'NOT_ACCEPTABLE']);
      expect(headers.get('content-type')).toBe('application/problem+json');
      expect(headers.get('x-session-id')).toBe('s-1');
      expect(errors[0]).toBeInstanceOf(EnvelopeError);
    }
  });

  it('that JSON cannot express is a 500, not half a reply', async () => {
    const circular: { self?: object } = {};
    circular.self = circular;
    for (const value of [1n, circular]) {
      const { app, errors } = replying(() => value);
      const { status, headers } = await exchange(app);
      expect([status, headers.get('content-type')]).toEqual([500, 'application/problem+json']);
      expect(errors).toHaveLength(1);
    }
  });
});

describe('a handler that answers by itself', () => {
  it('through `res` and returns undefined is left alone', async () => {
    const { app, errors } = appOf(
      bind([], async (_bound, { res }) => {
        await macrotask();
        res.status(201).type('text/plain').send('mine');
      }),
    );
    const { status, headers, text } = await exchange(app);
    expect([status, text]).toEqual([201, 'mine']);
    expect(headers.get('x-session-id')).toBe('s-1');
    expect(errors).toEqual([]);
  });

  it('after it has returned undefined is left alone, too', async () => {
    const { app } = appOf(
      bind([], (_bound, { res }) => {
        setImmediate(() => res.json('later'));
      }),
    );
    const { status, text } = await exchange(app);
    expect([status, text]).toEqual([200, '"later"']);
  });

  it('may return the response, as express code often does', async () => {
    const { app, errors } = appOf(bind([], (_bound, { res }) => res.json({ mine: true })));
    expect((await exchange(app)).text).toBe('{"mine":true}');
    const streaming = appOf(
      bind([], (_bound, { res }) => {
        setImmediate(() => res.end('later'));
        return res;
      }),
    );
    expect((await exchange(streaming.app)).text).toBe('later');
    expect([...errors, ...streaming.errors]).toEqual([]);
  });
});

describe('trace ids', () => {
  const tracing = useTracing();

  it('stand on a value when the request is traced', async () => {
    const { app } = replying(() => 'v');
    const { body } = await post(express().use(serverSpan, app), BODY);
    const span = tracing.spanNamed('server')?.spanContext();
    expect(body).toStrictEqual({
      session_id: 's-1',
      trace_id: span?.traceId,
      span_id: span?.spanId,
      data: { outputs: 'v' },
    });
    expect([body.trace_id, body.span_id]).toEqual([expect.any(String), expect.any(String)]);
  });

  it('are absent when it is not', async () => {
    const { body } = await post(replying(() => 'v').app, {});
    expect(body).toStrictEqual({ data: { outputs: 'v' } });
  });
});

describe('a stream', () => {
  const items = [{ n: 1 }, 'two\n\nlines', null];
  async function* generate() {
    yield* items;
  }
  const lines = items.map((item) => `${JSON.stringify(item)}\n`).join('');
  const events = items.map((item) => `data: ${JSON.stringify(item)}\n\n`).join('');

  it.each<[string | undefined, string, string]>([
    [undefined, NDJSON, lines],
    ['*/*', NDJSON, lines],
    ['application/json, text/plain, */*', NDJSON, lines],
    [NDJSON, NDJSON, lines],
    ['application/jsonl', 'application/jsonl', lines],
    [SSE, SSE, events],
  ])('goes under Accept %p as %s', async (accept, type, text) => {
    const reply = await exchange(replying(generate).app, accept);
    expect(reply.status).toBe(200);
    expect(reply.headers.get('content-type')).toBe(type);
    expect(reply.headers.get('cache-control')).toBe('no-cache, no-transform');
    expect(reply.headers.get('x-accel-buffering')).toBe('no');
    expect(reply.headers.get('x-session-id')).toBe('s-1');
    expect(reply.text).toBe(text);
  });

  it('may come from a promise, and keeps the status that the handler set', async () => {
    const { app } = appOf(
      bind([], async (_bound, { res }) => {
        res.status(203);
        await macrotask();
        return generate();
      }),
    );
    const { status, text } = await exchange(app, NDJSON);
    expect([status, text]).toEqual([203, lines]);
  });

  it('may be any async iterable: a Readable, or a ReadableStream', async () => {
    const readable = await exchange(replying(() => Readable.from(items.slice(0, 2))).app, NDJSON);
    expect(readable.text).toBe(lines.slice(0, lines.indexOf('null')));
    const web = () =>
      new ReadableStream({
        start(controller) {
          for (const item of items) controller.enqueue(item);
          controller.close();
        },
      });
    expect((await exchange(replying(web).app, NDJSON)).text).toBe(lines);
  });

  it('without an item is an empty reply with the headers of a stream', async () => {
    const { status, headers, text } = await exchange(replying(() => counted([]).iterable).app, SSE);
    expect([status, headers.get('content-type'), text]).toEqual([200, SSE, '']);
  });

  it('is a 406 where only JSON is taken, and its iterator is returned', async () => {
    const { calls, iterable } = counted(['never pulled']);
    const { status, text } = await exchange(replying(() => iterable).app, JSON_TYPE);
    expect([status, JSON.parse(text).code]).toEqual([406, 'NOT_ACCEPTABLE']);
    expect(calls).toEqual({ iterators: 1, next: 0, returned: 1 });
  });

  it('that fails before its first item is an error like any other', async () => {
    const error = Object.assign(new Error('busy'), { status: 429 });
    for (const accept of [SSE, NDJSON]) {
      const { app, errors } = replying(() => counted([error]).iterable);
      const { status, headers, text } = await exchange(app, accept);
      expect([status, headers.get('content-type')]).toEqual([429, 'application/problem+json']);
      expect(headers.get('x-session-id')).toBe('s-1');
      expect(headers.has('cache-control')).toBe(false);
      expect(JSON.parse(text)).toMatchObject({ status: 429, session_id: 's-1' });
      expect(errors).toEqual([error]);
    }
  });

  it('that fails is iterated once: a failure opens no second iterator', async () => {
    const early = counted([new Error('first')]);
    await exchange(replying(() => early.iterable).app, NDJSON);
    expect(early.calls.iterators).toBe(1);
    const late = counted(['item', new Error('second')]);
    await exchange(replying(() => late.iterable).app, NDJSON);
    expect(late.calls.iterators).toBe(1);
  });

  it('that fails keeps its own error when its clean-up fails, too', async () => {
    const failing = (): AsyncIterable<unknown> => ({
      [Symbol.asyncIterator]: () => ({
        next: () => Promise.reject(new Error('the cause')),
        return: () => Promise.reject(new Error('the clean-up')),
      }),
    });
    const { app, errors } = replying(failing);
    await exchange(app, NDJSON);
    expect(errors).toEqual([new Error('the cause')]);
  });

  it('that fails later says so in band, and the app’s error handler sees the error', async () => {
    const error = new Error('S3CRET text of an unknown error');
    const problem = {
      type: expect.any(String),
      title: 'Internal Server Error',
      status: 500,
      code: 'INTERNAL_ERROR',
      detail: expect.any(String),
      session_id: 's-1',
    };
    const events = replying(() => counted(['item', error, 'never']).iterable);
    const sse = await exchange(events.app, SSE);
    const [item, failure, ...more] = sse.text.split('\n\n');
    expect([sse.status, item, more]).toEqual([200, 'data: "item"', ['']]);
    expect(failure).toMatch(/^event: error\ndata: /);
    expect(JSON.parse(String(failure).slice('event: error\ndata: '.length))).toStrictEqual(problem);

    const lines = replying(() => counted(['item', error, 'never']).iterable);
    const ndjson = await exchange(lines.app, NDJSON);
    const [first, second, ...rest] = ndjson.text.split('\n');
    expect([ndjson.status, first, rest]).toEqual([200, '"item"', ['']]);
    expect(JSON.parse(String(second))).toStrictEqual({ type: 'error', error: problem });

    expect(events.errors).toEqual([error]);
    expect(lines.errors).toEqual([error]);
    expect(sse.text + ndjson.text).not.toContain('S3CRET');
  });

  it('that has sent its failure in band is over: problemDetails() adds nothing and passes nothing on', async () => {
    const { app, errors } = replying(() => counted(['item', new Error('late')]).iterable);
    const passedOn: unknown[] = [];
    const last: ErrorRequestHandler = (error, _req, _res, next) => {
      passedOn.push(error);
      next(error);
    };
    app.use(last);
    const { text } = await exchange(app, NDJSON);
    expect(text.split('\n')).toEqual(['"item"', expect.stringContaining('INTERNAL_ERROR'), '']);
    expect([errors.length, passedOn.length]).toEqual([1, 0]);
  });

  it('that fails later reaches its client whole in an app without an error handler', async () => {
    const app = express();
    app.use(agentEnvelope());
    app.post(
      '/',
      bind([], () => counted(['item', new Error('late')]).iterable),
    );
    const { text } = await exchange(app, NDJSON);
    expect(text).toMatch(/^"item"\n\{"type":"error","error":\{.*\}\}\n$/);
  });

  it('sends a known problem in band as it is', async () => {
    const error = Object.assign(new Error('try later'), { status: 503, expose: true });
    const { text } = await exchange(replying(() => counted([1, error]).iterable).app, NDJSON);
    const [, line] = text.split('\n');
    expect(JSON.parse(String(line)).error).toMatchObject({ status: 503, detail: 'try later' });
  });

  it('runs in its own session while another one runs', async () => {
    const both = gate();
    let waiting = 0;
    const { app } = replying(async function* () {
      yield getSessionId();
      waiting += 1;
      if (waiting === 2) both.open();
      await both.opened;
      yield getSessionId();
      await macrotask();
      yield getSessionId();
    });
    await serving(app, async (url) => {
      const texts = await Promise.all(
        ['s-1', 's-2'].map(async (session_id) => (await send(url, NDJSON, { session_id })).text()),
      );
      expect(texts).toEqual(['"s-1"\n"s-1"\n"s-1"\n', '"s-2"\n"s-2"\n"s-2"\n']);
    });
  });

  it('is returned when the client leaves while it is silent', async () => {
    const returned = gate();
    const { app, errors } = replying(() => {
      let i = 0;
      return {
        [Symbol.asyncIterator]: () => ({
          next: () =>
            i++ === 0
              ? Promise.resolve({ done: false, value: 'first' })
              : new Promise<never>(() => undefined),
          return: async () => {
            returned.open();
            return { done: true, value: undefined };
          },
        }),
      };
    });
    await serving(app, async (url) => {
      const client = connect(url, BODY);
      const res = await responseTo(client);
      await once(res, 'data');
      client.destroy();
      await returned.opened;
    });
    expect(errors).toEqual([]);
  });
});

describe('a run', () => {
  const result = {
    sessionId: 'S3CRET-1',
    engineSessionId: 'S3CRET-2',
    traceId: 'S3CRET-3',
    engine: 'e-1',
    output: 'answer',
    messages: [{ role: 'assistant', content: 'answer' }],
  };
  const outputs = {
    engine: 'e-1',
    output: 'answer',
    messages: [{ role: 'assistant', content: 'answer' }],
  };

  it.each([undefined, '*/*', JSON_TYPE, 'application/json, text/plain, */*'])(
    'is awaited under Accept %p, and sent without the ids, which stand on the reply',
    async (accept) => {
      const { status, headers, text } = await exchange(
        replying(() => runOf(result).run).app,
        accept,
      );
      expect([status, headers.get('content-type')]).toEqual([200, expect.stringMatching('json')]);
      expect(JSON.parse(text)).toStrictEqual({ session_id: 's-1', data: { outputs } });
      expect(text).not.toContain('S3CRET');
    },
  );

  it('keeps its result as it is', async () => {
    const own = Object.freeze({ ...result });
    await exchange(replying(() => runOf(own).run).app);
    expect(own).toEqual(result);
  });

  it('is streamed where a stream is preferred', async () => {
    const events = [{ type: 'run.start' }, { type: 'run.end' }];
    const sse = await exchange(
      replying(() => runOf(result, events).run).app,
      `${SSE}, ${JSON_TYPE}`,
    );
    expect(sse.text).toBe('data: {"type":"run.start"}\n\ndata: {"type":"run.end"}\n\n');
    const ndjson = await exchange(replying(() => runOf(result, events).run).app, NDJSON);
    expect(ndjson.text).toBe('{"type":"run.start"}\n{"type":"run.end"}\n');
  });

  it('that is rejected is an error like any other', async () => {
    const error = Object.assign(new Error('engine down'), { status: 502 });
    const { app, errors } = replying(() => runWith(Promise.reject(error), counted([]).iterable));
    const { status } = await exchange(app);
    expect(status).toBe(502);
    expect(errors).toEqual([error]);
  });

  it.each([
    ['a promise', Promise.resolve({})],
    ['no promise', 'x'],
  ])(
    'is told by its brand: with %s for a `result` it is a stream all the same',
    async (_what, result) => {
      const { iterable } = counted([1]);
      const { text } = await exchange(replying(() => Object.assign(iterable, { result })).app);
      expect(text).toBe('1\n');
    },
  );

  it('is an ordinary value when it cannot be iterated', async () => {
    const { text } = await exchange(replying(() => ({ result: 1, sessionId: 'kept' })).app);
    expect(JSON.parse(text).data.outputs).toEqual({ result: 1, sessionId: 'kept' });
  });
});

describe('every outcome', () => {
  it('carries the id: value, stream, 4xx and 5xx', async () => {
    const outcomes: [() => unknown, string, number][] = [
      [() => 'v', '*/*', 200],
      [() => counted([1]).iterable, '*/*', 200],
      [() => 'v', SSE, 406],
      [() => Promise.reject(new Error('boom')), '*/*', 500],
      [() => Promise.reject(Object.assign(new Error('no'), { status: 409 })), SSE, 409],
    ];
    for (const [produce, accept, status] of outcomes) {
      const reply = await exchange(replying(produce).app, accept);
      expect([reply.status, reply.headers.get('x-session-id')]).toEqual([status, 's-1']);
      if (status >= 400) expect(JSON.parse(reply.text).session_id).toBe('s-1');
    }
  });
});

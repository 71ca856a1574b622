import { setTimeout as sleep } from 'node:timers/promises';
import { context, propagation, type Span, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import type { RequestHandler } from 'express';
import express from 'express';
import request from 'supertest';
import { agentEnvelope, bind, problemDetails } from '../../lib/index.js';
import { envelopeApp, JSON_TYPE, NDJSON, post, SSE } from '../helpers.js';

// The test runner fails a spec for a rejection that nobody handles, and Node tells of one when the turn is over.
afterEach(() => sleep(1));

const boom = (): never => {
  throw new Error('private');
};

const goOn: RequestHandler = (_req, _res, next) => next();

async function text(route: RequestHandler, accept = '*/*', before = goOn) {
  const { app, errors } = envelopeApp(express().use(before), route);
  const reply = await request(app)
    .post('/')
    .set({ 'content-type': JSON_TYPE, accept })
    .buffer(true)
    .parse((res, done) => {
      let body = '';
      res.on('data', (chunk) => {
        body += chunk;
      });
      res.on('end', () => done(null, body));
    })
    .send({ session_id: 'conv-1' });
  return { status: reply.status, headers: reply.headers, text: String(reply.body), errors };
}

describe('a span that throws', () => {
  const METHODS = [
    'setAttributes',
    'setAttribute',
    'isRecording',
    'spanContext',
    'recordException',
    'setStatus',
    'addEvent',
    'end',
  ] as const;
  const hostileSpan = (methods: readonly string[]): Span => {
    const span = trace.wrapSpanContext({
      traceId: '1'.repeat(32),
      spanId: '1'.repeat(16),
      traceFlags: 1,
    });
    const thrower = Object.fromEntries(methods.map((name) => [name, boom]));
    return Object.assign(Object.create(span), { isRecording: () => true }, thrower);
  };

  beforeAll(() => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  });
  afterAll(() => context.disable());

  it.each<[string, () => Span]>([
    ...METHODS.map((name): [string, () => Span] => [name, () => hostileSpan([name])]),
    ['everything', () => hostileSpan(METHODS)],
    ['what is added to it', () => Object.freeze(hostileSpan([]))],
    ['whatever it is asked', () => new Proxy(hostileSpan([]), { get: boom, set: boom, has: boom })],
  ])('in %s fails no value, no stream and no problem', async (_where, makeSpan) => {
    const inSpan: RequestHandler = (_req, _res, next) => {
      context.with(trace.setSpan(context.active(), makeSpan()), next);
    };
    const app = express();
    app.use(inSpan, agentEnvelope());
    app.post(
      '/value',
      bind([], () => 'answer'),
    );
    app.post(
      '/stream',
      bind([], async function* () {
        yield 1;
      }),
    );
    app.post(
      '/broken',
      bind([], async function* () {
        yield 1;
        await sleep(1);
        boom();
      }),
    );
    app.post('/fails', bind([], boom));
    app.use(problemDetails());
    const body = { session_id: 'conv-1' };
    const value = await post(app, body, '/value');
    expect([value.status, value.body.data, value.body.session_id]).toEqual([
      200,
      { outputs: 'answer' },
      'conv-1',
    ]);
    expect((await post(app, body, '/stream')).status).toBe(200);
    expect((await post(app, body, '/broken').buffer(true)).status).toBe(200);
    const failed = await post(app, body, '/fails');
    expect([failed.status, failed.body.code]).toEqual([500, 'INTERNAL_ERROR']);
  });

  it('fails no request where it is what the baggage is put into', async () => {
    const app = express();
    app.use(agentEnvelope({ baggage: true }));
    app.post(
      '/',
      bind([], () => propagation.getActiveBaggage()?.getEntry('session.id')?.value),
    );
    expect((await post(app, { session_id: 'conv-1' })).body.data.outputs).toBe('conv-1');
  });
});

type Next = () => unknown;
const done = { done: true, value: undefined };
const iterable = (iterator: object) => ({ [Symbol.asyncIterator]: () => iterator });
/** `first`, and then what `next` says. */
const after = (first: unknown, next: Next) => {
  let begun = false;
  return () => {
    if (begun) return next();
    begun = true;
    return Promise.resolve({ done: false, value: first });
  };
};

const BAD_STEPS: [how: string, next: Next][] = [
  ['throws at once', boom],
  ['rejects', () => Promise.reject(new Error('private'))],
  ['rejects with nothing', () => Promise.reject()],
  ["rejects with 'route'", () => Promise.reject('route')],
  ['gives undefined', () => undefined],
  ['gives null', () => null],
  ['gives a number', () => 7],
  ['gives a promise of undefined', async () => undefined],
  ['gives a promise of null', async () => null],
  ['gives a promise of text', async () => 'text'],
  ['gives a thenable that throws', () => Object.defineProperty({}, 'then', { get: boom })],
  [
    'gives a result whose done throws',
    async () => Object.defineProperty({}, 'done', { get: boom }),
  ],
  [
    'gives a result whose value throws',
    async () => Object.defineProperty({ done: false }, 'value', { get: boom }),
  ],
];

describe('an iterator whose next()', () => {
  it.each(BAD_STEPS)('%s is a 500 before the first item', async (_how, next) => {
    for (const accept of [SSE, NDJSON]) {
      const reply = await text(
        bind([], () => iterable({ next })),
        accept,
      );
      expect([reply.status, reply.headers['content-type'], reply.errors.length]).toEqual([
        500,
        'application/problem+json',
        1,
      ]);
      expect(reply.text).not.toContain('private');
    }
  });

  it.each(BAD_STEPS)('%s is told in band after it', async (_how, next) => {
    const reply = await text(
      bind([], () => iterable({ next: after('item', next) })),
      NDJSON,
    );
    expect([reply.status, reply.errors.length]).toEqual([200, 1]);
    const [item, failure, rest] = reply.text.split('\n');
    expect([item, rest]).toEqual(['"item"', '']);
    expect(JSON.parse(String(failure))).toMatchObject({ type: 'error', error: { status: 500 } });
  });

  it('gives results without promises is read like any other', async () => {
    let i = 0;
    const next = () => (i++ < 2 ? { done: false, value: i } : done);
    expect((await text(bind([], () => iterable({ next })))).text).toBe('1\n2\n');
  });

  it.each<[string, object]>([
    ['throws', { [Symbol.asyncIterator]: boom }],
    ['gives nothing', { [Symbol.asyncIterator]: () => undefined }],
    ['gives an object without next()', { [Symbol.asyncIterator]: () => ({}) }],
    ['is no function', { [Symbol.asyncIterator]: 7 }],
    ['is a getter that throws', Object.defineProperty({}, Symbol.asyncIterator, { get: boom })],
  ])('cannot be had, as [Symbol.asyncIterator] %s, is a 500', async (_how, source) => {
    for (const accept of [NDJSON, 'application/json']) {
      const { status, headers } = await text(
        bind([], () => source),
        accept,
      );
      expect([500, 406]).toContain(status);
      expect(headers['content-type']).toBe('application/problem+json');
    }
  });
});

describe('an iterator whose return()', () => {
  const CLEAN_UPS: [how: string, cleanUp: unknown][] = [
    ['is synchronous', () => done],
    ['gives nothing', () => undefined],
    ['throws', boom],
    ['rejects', () => Promise.reject(new Error('clean-up'))],
    ['rejects with nothing', () => Promise.reject()],
    ['never ends', () => new Promise(() => undefined)],
    ['is no function', 7],
    ['is missing', undefined],
  ];

  it.each(CLEAN_UPS)(
    '%s does not withhold the refusal of a client that takes JSON only',
    async (_how, cleanUp) => {
      const source = iterable({ next: async () => done, return: cleanUp });
      const { status, errors } = await text(
        bind([], () => source),
        'application/json',
      );
      expect(status).toBe(406);
      expect(errors).toEqual([expect.objectContaining({ code: 'NOT_ACCEPTABLE' })]);
    },
  );

  it.each(CLEAN_UPS)(
    '%s does not withhold a failure before or after the first item',
    async (_how, cleanUp) => {
      const fails = () => Promise.reject(new Error('private'));
      const early = await text(bind([], () => iterable({ next: fails, return: cleanUp })));
      expect([early.status, early.errors]).toEqual([500, [new Error('private')]]);
      const late = await text(bind([], () => iterable({ next: after(1, fails), return: cleanUp })));
      expect([late.status, late.errors]).toEqual([200, [new Error('private')]]);
      expect(late.text).toContain('INTERNAL_ERROR');
    },
  );

  it.each(CLEAN_UPS)('%s does not withhold that an item cannot be sent', async (_how, cleanUp) => {
    const reply = await text(
      bind([], () => iterable({ next: async () => ({ done: false, value: 1n }), return: cleanUp })),
    );
    expect([reply.status, reply.errors]).toEqual([
      500,
      [expect.objectContaining({ code: 'INVALID_OUTPUT' })],
    ]);
  });
});

describe('a response whose methods throw', () => {
  const breaking =
    (
      name: 'write' | 'end' | 'setHeader',
      when: (args: readonly unknown[]) => boolean,
    ): RequestHandler =>
    (_req, res, next) => {
      const original = res[name] as (...args: unknown[]) => unknown;
      Object.assign(res, {
        [name](...args: unknown[]) {
          if (when(args)) throw new Error(`${name} is broken`);
          return original.apply(res, args);
        },
      });
      next();
    };

  it.each<[string, RequestHandler]>([
    ['write, of a compressing middleware, say', breaking('write', () => true)],
    [
      'setHeader, for a header of a stream',
      breaking('setHeader', ([name]) => name === 'X-Accel-Buffering'),
    ],
  ])('ends no process: %s', async (_which, middleware) => {
    const app = express();
    app.use(middleware);
    const { errors } = envelopeApp(
      app,
      bind([], async function* () {
        yield 1;
        await sleep(5);
        yield 2;
      }),
    );
    const reply = await post(app, { session_id: 'conv-1' }).catch(() => undefined);
    expect(errors).toEqual([
      expect.objectContaining({ message: expect.stringMatching(/is broken/) }),
    ]);
    expect(reply?.status ?? 500).toBe(500);
  });
});

it('a response that cannot be destroyed does not hide why the body of a Response broke off', async () => {
  const app = express();
  app.use((_req, res, next) => {
    Object.assign(res, { destroy: boom });
    next();
  });
  async function* half() {
    yield new TextEncoder().encode('half');
    await sleep(1);
    throw new Error('broke off');
  }
  const { errors } = envelopeApp(
    app,
    bind([], () => new Response(ReadableStream.from(half()))),
  );
  await post(app, {}).catch(() => undefined);
  expect(errors).toEqual([new Error('broke off')]);
});

describe('a response whose write() says nothing, as behind adapters of AWS Lambda,', () => {
  const mute: RequestHandler = (_req, res, next) => {
    const write = res.write.bind(res) as (...args: unknown[]) => unknown;
    Object.assign(res, { write: (...args: unknown[]) => void write(...args) });
    next();
  };
  async function* items() {
    for (const n of [1, 2, 3]) {
      yield `${n}\n`;
      await sleep(1);
    }
  }

  it.each<[string, () => unknown, string]>([
    ['a stream as NDJSON', items, NDJSON],
    ['a stream as SSE', items, SSE],
    [
      'a Response',
      () => new Response(ReadableStream.from(items()).pipeThrough(new TextEncoderStream())),
      '*/*',
    ],
  ])('does not keep the rest back of %s', async (_what, output, accept) => {
    const reply = await text(bind([], output), accept, mute);
    expect([reply.status, reply.text.match(/\d/g), reply.errors]).toEqual([
      200,
      ['1', '2', '3'],
      [],
    ]);
  });
});

import { AsyncResource } from 'node:async_hooks';
import { once } from 'node:events';
import { setImmediate as macrotask } from 'node:timers/promises';
import express, { type ErrorRequestHandler, type RequestHandler } from 'express';
import request from 'supertest';
import {
  type AgentEnvelopeOptions,
  agentEnvelope,
  bind,
  EnvelopeError,
  type EnvelopeField,
  getEnvelopeFields,
  getSessionId,
  problemDetails,
  sessionId,
} from '../lib/index.js';
import {
  connect,
  envelopeApp,
  gate,
  keepErrors,
  post,
  reaches,
  responseTo,
  serving,
  UUID,
} from './helpers.js';

const FIELDS: (string | EnvelopeField)[] = [sessionId, 'tenant'];

/** An app with one bound route, and the errors which come to its error handler. */
const appOf = (route: RequestHandler, options: AgentEnvelopeOptions = { fields: FIELDS }) =>
  envelopeApp(express(), route, options);

/** What a handler that asked for `names` gets of `body`. */
async function boundOf(names: readonly string[], body: object): Promise<unknown> {
  let seen: unknown;
  const { app } = appOf(
    bind(names, (bound) => {
      seen = bound;
      return null;
    }),
  );
  await post(app, body).expect(200);
  return seen;
}

describe('a bound handler gets', () => {
  it('what it asked for, of the nested and of the flat spelling', async () => {
    const names = ['session_id', 'tenant', 'inputs', 'outputs', 'parameters', 'question'];
    const data = { inputs: { question: 'q' }, outputs: [1], parameters: { p: 1 } };
    const expected = { session_id: 's-1', tenant: 't-1', ...data, question: 'q' };
    const fields = { session_id: 's-1', tenant: 't-1' };
    expect(await boundOf(names, { ...fields, data })).toStrictEqual(expected);
    expect(await boundOf(names, { ...fields, ...data })).toStrictEqual(expected);
  });

  it('undefined for an absent field, even when an input has its name', async () => {
    const inputs = { session_id: 'not the session', tenant: 'not the tenant' };
    const expected = { session_id: undefined, tenant: undefined };
    for (const session_id of [undefined, null, '', ' \t']) {
      const body = { session_id, tenant: session_id, inputs };
      expect(await boundOf(['session_id', 'tenant'], body)).toStrictEqual(expected);
    }
  });

  it('no field that is not on the allowlist: an unknown sibling is never bound', async () => {
    const body = { session_id: 's-1', version: '2025.07.14', flags: { a: true } };
    const bound = await boundOf(['version', 'flags', 'request', '...rest'], body);
    expect(bound).toStrictEqual({
      version: undefined,
      flags: undefined,
      request: { session_id: 's-1', data: { inputs: {}, parameters: {} } },
      rest: { inputs: {}, outputs: undefined, parameters: {} },
    });
  });

  it('an ordinary input that is called session_id with the inputs', async () => {
    const body = { inputs: { session_id: 'an input' } };
    expect(await boundOf(['inputs'], body)).toEqual(body);
  });

  it('nothing from a prototype', async () => {
    const names = ['constructor', 'toString', 'hasOwnProperty'];
    const bound = Object(await boundOf(names, { inputs: {} }));
    expect(names.map((name) => bound[name])).toEqual([undefined, undefined, undefined]);
  });

  it('no id that it did not ask for: it is nowhere in an argument that is only the rest', async () => {
    const body = {
      session_id: 'S3CRET-id',
      tenant: 'S3CRET-tenant',
      version: 'S3CRET-sibling',
      inputs: { question: 'q' },
    };
    const rest = await boundOf(['...rest'], body);
    expect(rest).toEqual({
      rest: { inputs: { question: 'q' }, outputs: undefined, parameters: {} },
    });
    expect(reaches(rest, 'S3CRET')).toBe(false);
    expect(reaches(await boundOf(['inputs', 'parameters', 'x'], body), 'S3CRET')).toBe(false);
    const nested = { session_id: 'S3CRET-id', data: { inputs: { question: 'q' } } };
    expect(reaches(await boundOf(['...rest'], nested), 'S3CRET')).toBe(false);
    expect(reaches(await boundOf(['session_id'], body), 'S3CRET')).toBe(true);
  });

  it('a request that is frozen, while the body stays the same and can be changed', async () => {
    const sent = { session_id: 's-1', inputs: { list: [{ a: 1 }] }, extra: { b: [1] } };
    let seen: unknown[] = [];
    const { app } = appOf(
      bind(['request', 'inputs'], ({ request: envelope, inputs }, { req, res }) => {
        const list = envelope.data.inputs.list as object[];
        seen = [
          Object.isFrozen(envelope) && Object.isFrozen(envelope.data),
          Object.isFrozen(list) && Object.isFrozen(list[0]),
          inputs === req.body.inputs && inputs === res.locals.inputs,
          [req.body, req.body.inputs, req.body.inputs.list[0], req.body.extra.b].some(
            Object.isFrozen,
          ),
          structuredClone(req.body),
        ];
        return null;
      }),
    );
    await post(app, sent).expect(200);
    expect(seen).toEqual([true, true, true, false, sent]);
  });

  it('its request, its response and a signal as the second argument', async () => {
    let seen: unknown[] = [];
    const { app } = appOf(
      bind([], (bound, { req, res, signal }) => {
        seen = [bound, req.res === res, res.req === req, signal instanceof AbortSignal];
        return null;
      }),
    );
    await post(app, {}).expect(200);
    expect(seen).toEqual([{}, true, true, true]);
  });

  it('a minted id like a sent one', async () => {
    const { app } = appOf(
      bind(['session_id'], ({ session_id }) => session_id),
      { absentSession: 'mint' },
    );
    const { body } = await post(app, {}).expect(200);
    expect(body.data.outputs).toMatch(UUID);
    expect(body.session_id).toBe(body.data.outputs);
  });
});

describe('a bound handler runs', () => {
  it('in the session, before and after an await', async () => {
    const { app } = appOf(
      bind([], async () => {
        const ids = [getSessionId()];
        await macrotask();
        ids.push(getSessionId(), String(getEnvelopeFields().tenant));
        return ids;
      }),
    );
    const { body } = await post(app, { session_id: 's-1', tenant: 't-1' });
    expect(body.data.outputs).toEqual(['s-1', 's-1', 't-1']);
  });

  it('in its own session while another request runs', async () => {
    const both = gate();
    let waiting = 0;
    const { app } = appOf(
      bind([], async () => {
        waiting += 1;
        if (waiting === 2) both.open();
        await both.opened;
        return getSessionId();
      }),
    );
    const bodies = await Promise.all(
      ['s-1', 's-2'].map(async (session_id) => (await post(app, { session_id })).body),
    );
    expect(bodies.map(({ data }) => data.outputs)).toEqual(['s-1', 's-2']);
  });

  it('in the session even where a middleware in between has lost it', async () => {
    const outside = new AsyncResource('outside');
    const app = express();
    app.use(agentEnvelope());
    app.use((_req, _res, next) => outside.runInAsyncScope(next));
    let lost: unknown = 'not asked';
    app.use((_req, _res, next) => {
      lost = getSessionId();
      next();
    });
    app.post(
      '/',
      bind([], async () => {
        const id = getSessionId();
        await macrotask();
        return [id, getSessionId()];
      }),
    );
    const { body } = await post(app, { session_id: 's-1' });
    expect(lost).toBeUndefined();
    expect(body.data.outputs).toEqual(['s-1', 's-1']);
  });

  it('after path parameters and other middlewares of the route', async () => {
    const app = express();
    app.use(express.json(), agentEnvelope());
    const passing: RequestHandler = (_req, res, next) => {
      res.locals.passed = true;
      next();
    };
    app.post(
      '/agents/:agent',
      passing,
      bind(['question'], ({ question }, { req, res }) => [
        question,
        req.params.agent,
        res.locals.passed,
      ]),
    );
    const { body } = await request(app)
      .post('/agents/a-1')
      .send({ inputs: { question: 'q' } });
    expect(body.data.outputs).toEqual(['q', 'a-1', true]);
  });

  it('under the name boundHandler in stacks and span names', () => {
    expect(bind([], () => null).name).toBe('boundHandler');
    expect(bind([], () => null)).toHaveLength(3);
  });
});

describe('bind throws a TypeError at once', () => {
  it.each([undefined, null, 'handler', {}, []])('for %p as the handler', (handler) => {
    for (const names of [['inputs'], { inputs: true }] as const) {
      const construct = () => bind(names as ['inputs'], handler as unknown as () => null);
      expect(construct).toThrow(TypeError);
      expect(construct).toThrow(/^bind: handler must be a function, got /);
    }
  });

  it.each([[['']], [['a', 'a']], [['...a', '...b']], [['__proto__']], [['...']], [[7]]])(
    'for %j as the names',
    (names) => {
      const construct = () => bind(names as string[], () => null);
      expect(construct).toThrow(TypeError);
      expect(construct).toThrow(/^bind: names takes /);
    },
  );

  it.each([
    ['a function', () => null],
    ['a set', new Set(['inputs'])],
    ['a map', new Map([['inputs', true]])],
  ])('for %s in place of the names', (_kind, names) => {
    const construct = () => bind(names as unknown as string[], () => null);
    expect(construct).toThrow(TypeError);
    expect(construct).toThrow(/^bind: names must be a list of names or a declaration/);
  });
});

describe('a route whose request is no envelope', () => {
  let runs = 0;
  const { app, errors } = appOf(bind([], () => ++runs));

  beforeEach(() => {
    runs = 0;
    errors.length = 0;
  });

  it.each<[string, string | undefined, string | undefined, number, string]>([
    ['without a body', undefined, undefined, 400, 'NO_ENVELOPE'],
    ['with an empty body', 'application/json', '', 400, 'NO_ENVELOPE'],
    ['with an array', 'application/json', '[]', 400, 'NO_ENVELOPE'],
    ['with a string', 'application/json', '"s"', 400, 'MALFORMED_JSON'],
    ['with null', 'application/json', 'null', 400, 'MALFORMED_JSON'],
    ['with text', 'text/plain', '{}', 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['with a form', 'application/x-www-form-urlencoded', 'a=1', 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['with malformed JSON', 'application/json', '{', 400, 'MALFORMED_JSON'],
  ])('%s is answered, and the handler does not run', async (_what, type, sent, status, code) => {
    const test = request(app).post('/');
    if (type !== undefined) test.set('Content-Type', type);
    const { body, status: answered } = await (sent === undefined ? test : test.send(sent));
    expect([answered, body.code]).toEqual([status, code]);
    expect(runs).toBe(0);
    expect(errors).toHaveLength(1);
  });

  it('is answered with its own status whatever it accepts', async () => {
    await request(app).post('/').set('Accept', 'image/png').expect(400);
    await request(app)
      .post('/')
      .set('Accept', 'image/png')
      .type('text/plain')
      .send('x')
      .expect(415);
    expect(runs).toBe(0);
  });
});

describe('a route without agentEnvelope()', () => {
  it('is a 500 MIDDLEWARE_MISSING that goes to next', async () => {
    const errors: unknown[] = [];
    const app = express();
    let runs = 0;
    app.use(express.json());
    app.post(
      '/',
      bind(['inputs'], () => ++runs),
    );
    app.use(keepErrors(errors), problemDetails());
    const { status, body } = await post(app, { session_id: 's-1', inputs: {} });
    expect([status, body.code, runs]).toEqual([500, 'MIDDLEWARE_MISSING', 0]);
    expect(errors[0]).toBeInstanceOf(EnvelopeError);
    expect(String(errors[0])).toContain('agentEnvelope()');
  });
});

describe('what a handler throws', () => {
  const failures: [string, () => unknown][] = [
    ['synchronously', () => thrower(new Error('boom'))],
    ['as a rejection', () => Promise.reject(new Error('boom'))],
    [
      'after an await',
      async () => {
        await macrotask();
        throw new Error('boom');
      },
    ],
  ];

  it.each(failures)('goes to next as it is: %s', async (_how, handler) => {
    const { app, errors } = appOf(bind([], handler));
    const { status, body, headers } = await post(app, { session_id: 's-1' });
    expect(errors).toEqual([new Error('boom')]);
    expect([status, body.code, body.session_id]).toEqual([500, 'INTERNAL_ERROR', 's-1']);
    expect(headers['x-session-id']).toBe('s-1');
  });

  it('keeps its identity and its status', async () => {
    const error = Object.assign(new Error('gone'), { status: 410 });
    const { app, errors } = appOf(bind([], () => thrower(error)));
    await post(app, {}).expect(410);
    expect(errors[0]).toBe(error);
  });

  it.each([undefined, null, 'route', 'router', '', 0, false, 'a string', Symbol('s')])(
    'is an error for Express too when it is %p',
    async (thrown) => {
      for (const handler of [() => thrower(thrown), () => Promise.reject(thrown)]) {
        const { app, errors } = appOf(bind([], handler));
        app.post('/', (_req, res) => {
          res.json('skipped to the next route');
        });
        const { status, body } = await post(app, { session_id: 's-1' });
        expect([status, body.code]).toEqual([500, 'INTERNAL_ERROR']);
        expect(errors).toHaveLength(1);
        expect(errors[0]).toBeInstanceOf(Error);
        expect((errors[0] as Error).cause).toBe(thrown);
      }
    },
  );

  it('goes to the app’s own error handler inside the session', async () => {
    let seen: unknown;
    const app = express();
    app.use(agentEnvelope());
    app.post(
      '/',
      bind([], async () => {
        await macrotask();
        throw new Error('boom');
      }),
    );
    const handleError: ErrorRequestHandler = (_error, _req, res, _next) => {
      seen = getSessionId();
      res.status(503).end();
    };
    app.use(handleError);
    await post(app, { session_id: 's-1' }).expect(503);
    expect(seen).toBe('s-1');
  });

  it('keeps its own status with any Accept that the route can serve', async () => {
    const error = Object.assign(new Error('busy'), { status: 429 });
    const { app } = appOf(bind([], () => thrower(error)));
    for (const accept of ['text/event-stream', 'application/x-ndjson', 'application/json', '*/*']) {
      const { status, type } = await post(app, {}).set('Accept', accept);
      expect([status, type]).toEqual([429, 'application/problem+json']);
    }
  });
});

describe('a reply that the client would not take', () => {
  it('is a 406 before the handler runs', async () => {
    let runs = 0;
    const { app, errors } = appOf(bind([], () => ++runs));
    for (const accept of ['image/png', 'text/html', 'application/json;q=0, text/html']) {
      const { status, body } = await post(app, { session_id: 's-1' }).set('Accept', accept);
      expect([status, body.code, body.session_id]).toEqual([406, 'NOT_ACCEPTABLE', 's-1']);
    }
    expect(runs).toBe(0);
    expect(errors).toHaveLength(3);
  });

  it('is refused by the rule of the envelope first: an error keeps its own status', async () => {
    const { app } = appOf(bind([], () => null));
    await post(app, { session_id: 7 }).set('Accept', 'image/png').expect(400);
    await post(app, { data: 7 }).set('Accept', 'image/png').expect(400);
  });

  it('does not hide that the data is wrong: a 422 stays a 422', async () => {
    const inputs = { type: 'object', properties: { x: {} }, required: ['x'] } as const;
    const { app } = appOf(bind({ inputs }, () => null));
    await post(app, { inputs: {} }).set('Accept', 'image/png').expect(422);
    await post(app, { inputs: { x: 1 } })
      .set('Accept', 'image/png')
      .expect(406);
  });
});

describe('signal', () => {
  it('aborts when the client leaves while the handler works', async () => {
    const running = gate();
    const aborted = gate<unknown>();
    const { app, errors } = appOf(
      bind([], async (_bound, { signal }) => {
        running.open();
        await once(signal, 'abort');
        aborted.open(signal.reason);
        return 'nobody reads this';
      }),
    );
    await serving(app, async (url) => {
      const client = connect(url, {});
      await running.opened;
      client.destroy();
      expect(await aborted.opened).toHaveProperty('name', 'AbortError');
    });
    expect(errors).toEqual([]);
  });

  it('is aborted already when it is first read after the client has left', async () => {
    const running = gate();
    const seen = gate<boolean>();
    const { app } = appOf(
      bind([], async (_bound, io) => {
        running.open();
        await once(io.res, 'close');
        seen.open(io.signal.aborted);
      }),
    );
    await serving(app, async (url) => {
      const client = connect(url, {});
      await running.opened;
      client.destroy();
      expect(await seen.opened).toBe(true);
    });
  });

  it('is one and the same each time it is read', async () => {
    let same: unknown;
    const { app } = appOf(
      bind([], (_bound, io) => {
        const { signal } = io;
        same = io.signal === signal && !signal.aborted;
        return null;
      }),
    );
    await post(app, {}).expect(200);
    expect(same).toBe(true);
  });

  it('does not abort when the body has been read, nor when the reply has ended', async () => {
    const ended = gate<boolean>();
    const { app } = appOf(
      bind([], async (_bound, { req, res, signal }) => {
        if (!req.closed) await Promise.race([once(req, 'close'), macrotask()]);
        const before = signal.aborted;
        res.once('close', () => setImmediate(() => ended.open(before || signal.aborted)));
        return 'answer';
      }),
    );
    await serving(app, async (url) => {
      const res = await responseTo(connect(url, {}));
      res.resume();
      expect(await ended.opened).toBe(false);
    });
  });

  it('aborts mid-stream, and the generator gets to its finally', async () => {
    const finished = gate<boolean>();
    const { app, errors } = appOf(
      bind([], async function* (_bound, { signal }) {
        try {
          yield 'first';
          await once(signal, 'abort');
          yield 'nobody reads this';
        } finally {
          finished.open(signal.aborted);
        }
      }),
    );
    await serving(app, async (url) => {
      const client = connect(url, {});
      const res = await responseTo(client);
      await once(res, 'data');
      client.destroy();
      expect(await finished.opened).toBe(true);
    });
    expect(errors).toEqual([]);
  });

  it('does not abort when a stream has ended', async () => {
    const ended = gate<boolean>();
    const { app } = appOf(
      bind([], async function* (_bound, { res, signal }) {
        res.once('close', () => setImmediate(() => ended.open(signal.aborted)));
        yield 'only';
      }),
    );
    await serving(app, async (url) => {
      const res = await responseTo(connect(url, {}));
      res.resume();
      expect(await ended.opened).toBe(false);
    });
  });
});

describe('what a handler throws after the client has left', () => {
  /** The errors that reach the app when the client leaves a handler that throws `toThrow()` once it noticed. */
  async function errorsOf(toThrow: (signal: AbortSignal) => unknown): Promise<unknown[]> {
    const running = gate();
    const over = gate();
    const { app, errors } = appOf(
      bind([], async (_bound, { signal }) => {
        running.open();
        await once(signal, 'abort');
        setImmediate(over.open);
        throw toThrow(signal);
      }),
    );
    await serving(app, async (url) => {
      const client = connect(url, {});
      await running.opened;
      client.destroy();
      await over.opened;
    });
    return errors;
  }

  it('does not reach the error handler when it is the signal coming back', async () => {
    expect(await errorsOf((signal) => signal.reason)).toEqual([]);
    const own = Object.assign(new Error('The operation was aborted'), { name: 'AbortError' });
    expect(await errorsOf(() => own)).toEqual([]);
  });

  const unreadable = Object.defineProperty(new Error('private'), 'name', {
    get: () => thrower(new Error('private')),
  });
  const others = [
    ['an error', new Error('could not clean up')],
    ['an error whose name cannot be read', unreadable],
  ] as const;

  it.each(others)(
    'reaches the error handler when it is anything else: %s',
    async (_what, error) => {
      expect(await errorsOf(() => error)).toEqual([error]);
    },
  );

  it('reaches the error handler when it is an AbortError and the client is still there', async () => {
    const error = Object.assign(new Error('upstream timed out'), { name: 'AbortError' });
    const { app, errors } = appOf(bind([], () => thrower(error)));
    await post(app, {}).expect(500);
    expect(errors).toEqual([error]);
  });

  /** The same, for a generator that has yielded once. */
  async function errorsOfStream(toThrow: (signal: AbortSignal) => unknown): Promise<unknown[]> {
    const over = gate();
    const { app, errors } = appOf(
      bind([], async function* (_bound, { signal }) {
        yield 'first';
        try {
          await once(signal, 'abort');
        } finally {
          // The failure has some way to go from the generator to the error handler.
          setImmediate(() => setImmediate(over.open));
        }
        throw toThrow(signal);
      }),
    );
    await serving(app, async (url) => {
      const client = connect(url, {});
      const res = await responseTo(client);
      await once(res, 'data');
      client.destroy();
      await over.opened;
    });
    return errors;
  }

  it('does not reach the error handler from a stream either when it is the signal', async () => {
    expect(await errorsOfStream((signal) => signal.reason)).toEqual([]);
  });

  it.each(others)('reaches the error handler from a stream too: %s', async (_what, error) => {
    expect(await errorsOfStream(() => error)).toEqual([error]);
  });
});

function thrower(thrown: unknown): never {
  throw thrown;
}

describe('a handler that returns nothing', () => {
  it('and leaves res unused is a 500 INVALID_OUTPUT: its client would wait for ever', async () => {
    const app = express();
    app.use(agentEnvelope());
    app.post(
      '/',
      bind(['inputs'], ({ inputs }, { signal }) => {
        JSON.stringify([inputs, signal.aborted]);
      }),
    );
    app.use(problemDetails());
    const { body } = await request(app).post('/').send({}).expect(500);
    expect(body.code).toBe('INVALID_OUTPUT');
  });
});

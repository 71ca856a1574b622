import { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ErrorRequestHandler, Express } from 'express';
import express from 'express';
import request from 'supertest';
import {
  agentEnvelope,
  bind,
  EnvelopeError,
  type ProblemDetailsOptions,
  problemDetails,
} from '../../lib/index.js';
import { JSON_TYPE, post } from '../helpers.js';

// The test runner fails a spec for a rejection that nobody handles, and Node tells of one when the turn is over.
afterEach(() => sleep(1));

const boom = (): never => {
  throw new Error('private');
};

const throwingGetter = (name: string) =>
  Object.defineProperty(new Error('private'), name, { get: boom, configurable: true });

const throwingProxy = (target: object) =>
  new Proxy(target, Object.fromEntries(Reflect.ownKeys(Reflect).map((trap) => [trap, boom])));

const revokedProxy = (target: object) => {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
};

const MEMBERS = [
  'name',
  'message',
  'status',
  'statusCode',
  'type',
  'expose',
  'headers',
  'stack',
  'cause',
  'code',
  'errors',
  'then',
  'toString',
  'toJSON',
];

const BRAND = Symbol.for('express-agent-envelope.error');

/** What was thrown, and whether it is a problem that says 500. */
const THROWN: [what: string, make: () => unknown][] = [
  ...MEMBERS.map((name): [string, () => unknown] => [
    `an error whose ${name} throws`,
    () => throwingGetter(name),
  ]),
  [
    'an error with a status whose headers throw',
    () => Object.assign(throwingGetter('headers'), { status: 500 }),
  ],
  [
    'an error with a status whose headers are a Proxy that throws whatever it is asked',
    () => Object.assign(new Error('private'), { status: 500, headers: throwingProxy({}) }),
  ],
  ['a Proxy that throws whatever it is asked', () => throwingProxy({})],
  [
    'a Proxy of an error that throws whatever it is asked',
    () => throwingProxy(new Error('private')),
  ],
  ['a Proxy of a function that throws whatever it is asked', () => throwingProxy(() => undefined)],
  ['a revoked Proxy', () => revokedProxy({})],
  ['an object without a prototype', () => Object.create(null)],
  ['an empty object', () => ({})],
  ['a cause that is itself', () => itself()],
  ['a brand of ours on nothing', () => ({ [BRAND]: true })],
  ['a brand of ours on members that throw', () => branded()],
  ['a brand of ours on members of other kinds', () => strange()],
];

function itself(): Error {
  const error = new Error('private');
  error.cause = error;
  return error;
}

function branded(): object {
  const error = { [BRAND]: true };
  for (const name of MEMBERS.slice(0, -3)) Object.defineProperty(error, name, { get: boom });
  return error;
}

function strange(): object {
  return {
    [BRAND]: true,
    code: { toString: boom },
    status: '7',
    expose: true,
    message: { toString: boom },
    errors: [{ pointer: 1n, detail: { toJSON: boom } }, null],
  };
}

const PRIMITIVES: [what: string, make: () => unknown][] = [
  undefined,
  null,
  'route',
  'router',
  '',
  0,
  7,
  false,
  1n,
  Symbol('private'),
  Number.NaN,
].map((value) => [
  typeof value === 'symbol' ? 'a symbol' : `${typeof value} ${value}`,
  () => value,
]);

/** An app whose routes fail with `thrown`, each in another way. */
function failing(make: () => unknown, options?: ProblemDetailsOptions) {
  const app = express();
  app.use(agentEnvelope());
  app.post(
    '/bound',
    bind([], () => {
      throw make();
    }),
  );
  app.post(
    '/rejected',
    bind([], () => Promise.reject(make())),
  );
  app.post(
    '/stream',
    bind([], async function* () {
      if (Date.now() > 0) throw make();
      yield 1;
    }),
  );
  app.post(
    '/late',
    bind([], async function* () {
      yield 1;
      await sleep(1);
      throw make();
    }),
  );
  app.post('/plain', (_req, _res, next) => next(make() || new Error('nothing')));
  app.post('/begun', (_req, res, next) => {
    res.write('begun');
    next(make() || new Error('nothing'));
  });
  app.use(problemDetails(options));
  return app;
}

describe('whatever a route fails with', () => {
  it.each([...THROWN, ...PRIMITIVES])(
    'is a problem document with the id: %s',
    async (_what, make) => {
      for (const path of ['/bound', '/rejected', '/stream']) {
        const reply = await post(failing(make), { session_id: 'conv-1' }, path);
        expect([path, reply.status, reply.headers['content-type']]).toEqual([
          path,
          500,
          'application/problem+json',
        ]);
        expect(reply.body).toMatchObject({ status: 500, session_id: 'conv-1' });
        expect(reply.text).not.toContain('private');
      }
    },
  );

  it.each(THROWN)('is one from a plain handler: %s', async (_what, make) => {
    const reply = await post(failing(make), { session_id: 'conv-1' }, '/plain');
    expect([reply.status, reply.headers['content-type']]).toEqual([
      500,
      'application/problem+json',
    ]);
    expect(reply.text).not.toContain('private');
  });

  it.each(THROWN)(
    'ends its connection, and no process, after a plain handler has begun its reply: %s',
    async (_what, make) => {
      await expect(post(failing(make), {}, '/begun')).rejects.toMatchObject({ code: 'ECONNRESET' });
    },
  );

  it.each([...THROWN, ...PRIMITIVES])(
    'is told in band after the first item: %s',
    async (_what, make) => {
      const reply = await post(failing(make), { session_id: 'conv-1' }, '/late').buffer(true);
      const [, failure] =
        reply.text === undefined ? String(reply.body).split('\n') : reply.text.split('\n');
      expect(JSON.parse(String(failure))).toMatchObject({ type: 'error', error: { status: 500 } });
    },
  );

  it.each([...THROWN, ...PRIMITIVES])(
    'is seen by onError, in band or not: %s',
    async (_what, make) => {
      let seen = 0;
      const app = failing(make, {
        onError: () => {
          seen += 1;
        },
      });
      for (const path of ['/bound', '/rejected', '/stream', '/late']) {
        await post(app, {}, path);
      }
      expect(seen).toBe(4);
    },
  );

  it('keeps its list of places to 8, of another copy of the package, too', async () => {
    const errors = Array.from({ length: 10_000 }, (_, i) => ({
      pointer: `/${i}\n`,
      detail: 'x'.repeat(1000),
    }));
    const error = {
      [BRAND]: true,
      code: 'INVALID_INPUT',
      status: 422,
      expose: true,
      message: 'm',
      errors,
    };
    const { body } = await post(
      failing(() => error),
      {},
      '/bound',
    );
    expect(body.errors).toHaveLength(8);
    expect(body.errors[0]).toEqual({ pointer: '/0\\u000a', detail: `${'x'.repeat(255)}…` });
  });
});

describe('a header that an error brings', () => {
  it.each([
    ['a\r\nb', undefined],
    ['a\nSet-Cookie: b=c', undefined],
    ['é\u2028', undefined],
    [Symbol('private'), undefined],
    [{ toString: boom }, undefined],
    [120, '120'],
    ['120', '120'],
  ])('is dropped where HTTP cannot carry it: %p', async (value, sent) => {
    const error = Object.assign(new Error('x'), {
      status: 429,
      expose: true,
      headers: { 'Retry-After': value },
    });
    const reply = await post(
      failing(() => error),
      {},
      '/bound',
    );
    expect([reply.status, reply.headers['retry-after'], reply.body.detail]).toEqual([
      429,
      sent,
      'x',
    ]);
  });
});

describe('what problemDetails() keeps of the failed response', () => {
  /** A plain handler that prepares a reply, and fails. */
  async function replyAfter(
    prepare: (res: express.Response) => void,
    error: unknown = new Error('x'),
  ) {
    const app = express();
    app.use(agentEnvelope());
    app.post('/', (_req, res) => {
      prepare(res);
      throw error;
    });
    app.use(problemDetails());
    return post(app, {});
  }

  it.each([
    [404, 404, 'Not Found'],
    [409, 409, 'Conflict'],
    [503, 503, 'Service Unavailable'],
    [200, 500, undefined],
    [302, 500, undefined],
    [600, 500, undefined],
  ])('is the status %i as %i, when it is an error’s', async (set, status, detail) => {
    const reply = await replyAfter((res) => {
      res.statusCode = set;
    });
    expect([reply.status, reply.body.status]).toEqual([status, status]);
    if (detail !== undefined) expect(reply.body).toMatchObject({ code: 'HTTP_ERROR', detail });
  });

  it('is not the status where the error has one', async () => {
    const error = Object.assign(new Error('x'), { status: 410 });
    expect((await replyAfter((res) => void res.status(404), error)).status).toBe(410);
    const ours = new EnvelopeError('INVALID_INPUT', 'x');
    expect((await replyAfter((res) => void res.status(404), ours)).status).toBe(422);
  });

  it('is the Content-Range that a 416 brings, and not one of the handler', async () => {
    const headers = { 'Content-Range': 'bytes */10' };
    const error = Object.assign(new Error('x'), { status: 416, headers });
    expect((await replyAfter(() => undefined, error)).headers['content-range']).toBe('bytes */10');
    const other = Object.assign(new Error('x'), { status: 404, headers });
    const reply = await replyAfter((res) => void res.set('Content-Range', 'bytes 0-1/2'), other);
    expect(reply.headers['content-range']).toBeUndefined();
  });

  it.each([
    ['Content-Language', 'de'],
    ['Content-Encoding', 'br'],
    ['Content-Disposition', 'attachment'],
    ['Last-Modified', 'Thu, 01 Jan 1970 00:00:00 GMT'],
    ['Content-Length', '3'],
  ])('is not %s, which speaks of a reply that is not sent', async (name, value) => {
    const reply = await replyAfter((res) => void res.set(name, value));
    expect(reply.headers[name.toLowerCase()]).not.toBe(value);
    expect(reply.body.status).toBe(500);
  });

  it('is not the status message of another status', async () => {
    const app = express();
    app.use(agentEnvelope());
    app.post('/', (_req, res) => {
      res.statusMessage = 'Everything is fine';
      throw new Error('x');
    });
    app.use(problemDetails());
    let said: string | undefined;
    await post(app, {}).parse((res, done) => {
      said = (res as unknown as { statusMessage: string }).statusMessage;
      res.on('data', () => undefined);
      res.on('end', () => done(null, {}));
    });
    expect(said).toBe('Internal Server Error');
  });
});

describe('onError', () => {
  it.each([
    ['throws', boom],
    ['rejects', () => Promise.reject(new Error('private'))],
    ['never ends', () => new Promise(() => undefined)],
    ['gives a thenable that throws', () => Object.defineProperty({}, 'then', { get: boom })],
  ])('that %s does not come between the error and its reply', async (_how, onError) => {
    const reply = await post(
      failing(() => new Error('x'), { onError }),
      {},
      '/bound',
    );
    expect([reply.status, reply.body.code]).toEqual([500, 'INTERNAL_ERROR']);
  });

  it('sees the error itself and its request, of any status', async () => {
    const seen: unknown[] = [];
    const error = new EnvelopeError('INVALID_INPUT', 'x');
    await post(
      failing(() => error, { onError: (...args) => seen.push(args) }),
      {},
      '/bound',
    );
    expect(seen).toEqual([[error, expect.objectContaining({ path: '/bound' })]]);
  });

  it('sees what is passed on because the headers are sent', async () => {
    const seen: unknown[] = [];
    const app = express();
    app.use(agentEnvelope());
    app.post('/', (_req, res) => {
      res.write('half');
      throw new Error('x');
    });
    const quiet: ErrorRequestHandler = (_error, _req, res, _next) => void res.destroy();
    app.use(problemDetails({ onError: (error) => seen.push(error) }), quiet);
    await post(app, {}).catch(() => undefined);
    expect(seen).toEqual([new Error('x')]);
  });
});

describe('without onError', () => {
  /** What is printed while an app of this environment fails. */
  const printed = (env: string, make: () => unknown, path = '/bound') =>
    printedBy(failing(make).set('env', env), {}, path);

  async function printedBy(app: Express, body: string | object, path: string): Promise<string> {
    const { write } = process.stderr;
    let text = '';
    process.stderr.write = (chunk: string | Uint8Array) => {
      text += chunk;
      return true;
    };
    try {
      await post(app, body, path);
    } finally {
      process.stderr.write = write;
    }
    return text;
  }

  it('an error of 500 and above is printed with its stack and its causes', async () => {
    const cause = new TypeError('the origin');
    const text = await printed('production', () => new Error('the failure', { cause }));
    expect(text).toMatch(/^Error: the failure\n {4}at .*\[cause\] TypeError: the origin\n {4}at /s);
  });

  it.each<[string, (done: (error: Error) => void) => void]>([
    ['nobody reads', (done) => done(new Error('EPIPE'))],
    ['fails later', (done) => void setImmediate(done, new Error('EPIPE'))],
    [
      'throws',
      () => {
        throw new Error('EPIPE');
      },
    ],
  ])('a stderr that %s ends no process', async (_what, fail) => {
    const own = Object.getOwnPropertyDescriptor(process, 'stderr') as PropertyDescriptor;
    const failures: unknown[] = [];
    const keep = (error: unknown) => failures.push(error);
    const app = failing(() => new Error('the failure')).set('env', 'production');
    process.on('uncaughtException', keep);
    const broken = new Writable({ autoDestroy: false, write: (_text, _as, done) => fail(done) });
    Object.defineProperty(process, 'stderr', { configurable: true, value: broken });
    try {
      for (let i = 0; i < 3; i += 1) expect((await post(app, {}, '/bound')).status).toBe(500);
      await new Promise((resolve) => setImmediate(resolve));
    } finally {
      Object.defineProperty(process, 'stderr', own);
      process.off('uncaughtException', keep);
    }
    expect(failures).toEqual([]);
  });

  it('a stream that fails in band is printed, too', async () => {
    expect(await printed('production', () => new Error('the failure'), '/late')).toMatch(
      /^Error: the failure\n/,
    );
  });

  it('nothing is printed under NODE_ENV=test, nor an error below 500', async () => {
    expect(await printed('test', () => new Error('x'))).toBe('');
    expect(await printed('production', () => new EnvelopeError('INVALID_INPUT', 'x'))).toBe('');
  });

  describe('a refusal', () => {
    const refusing = (authorize: () => Promise<boolean>) => {
      const app = express().set('env', 'production');
      app.use(agentEnvelope({ authorize }));
      app.post(
        '/',
        bind(['inputs'], ({ inputs }) => inputs),
      );
      return app.use(problemDetails());
    };

    it('is printed where `authorize` has failed, with what it threw', async () => {
      const app = refusing(() => Promise.reject(new TypeError('the store is down')));
      expect(await printedBy(app, { session_id: 'conv-1' }, '/')).toMatch(
        /^EnvelopeError: .*\[cause\] TypeError: the store is down\n {4}at /s,
      );
    });

    it.each([
      ['an id of somebody else', '{"session_id":"conv-1"}'],
      ['an id that breaks the rule', '{"session_id":"conv 1"}'],
      ['what is nested too deeply', `{"inputs":{"q":${'['.repeat(20_000)}${']'.repeat(20_000)}}}`],
    ])('of what the client did wrong is not: %s', async (_what, body) => {
      const app = refusing(async () => false);
      expect(await printedBy(app, body, '/')).toBe('');
    });
  });

  it.each(THROWN)('is printed whatever it is, and ends: %s', async (_what, make) => {
    expect(await printed('production', make)).toMatch(/\S\n$/);
  });
});

describe('a name that a client made', () => {
  const NAME = 'x\n2026-01-01 ERROR forged\r\u001b[31m\u0085\u2028';
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it looks for
  const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;
  const closed = { type: 'object', properties: {}, additionalProperties: false } as const;
  const named = { type: 'object', propertyNames: { pattern: '^[a-z]+$' } } as const;
  const inner = { type: 'object', additionalProperties: { type: 'integer' } } as const;

  it.each<[string, object, object]>([
    ['an unknown member', { inputs: closed }, { inputs: { [NAME]: 1 } }],
    ['a name that is not allowed', { inputs: named }, { inputs: { [NAME]: 1 } }],
    ['a member on the way', { parameters: inner }, { parameters: { [NAME]: 'text' } }],
    [
      'a nested one',
      { inputs: { type: 'object', additionalProperties: closed } },
      { inputs: { [NAME]: { [NAME]: 1 } } },
    ],
  ])(
    'starts no line of its own in a pointer, a message or a stack: %s',
    async (which, declaration, body) => {
      const seen: unknown[] = [];
      const app = express();
      app.use(agentEnvelope());
      app.post(
        '/',
        bind(declaration as { inputs: true }, () => 'answer'),
      );
      app.use(problemDetails({ onError: (error) => seen.push(error) }));
      const reply = await post(app, body);
      expect([reply.status, reply.body.code]).toEqual([422, 'INVALID_INPUT']);
      const [error] = seen as [EnvelopeError];
      const [place] = error.errors;
      for (const text of [
        error.message,
        String(place?.pointer),
        String(place?.detail),
        String(error.stack).split('\n    at ')[0],
      ]) {
        expect(text).not.toMatch(CONTROL);
      }
      // ajv says of a name that is not allowed only where it stands.
      const quoted =
        which === 'a name that is not allowed' ? '/inputs' : 'x\\u000a2026-01-01 ERROR';
      expect(place?.pointer).toContain(quoted);
    },
  );
});

describe('a field without a schema', () => {
  const app = express();
  app.use(agentEnvelope({ fields: ['session_id', 'tenant'] }));
  app.post(
    '/',
    bind(['tenant'], ({ tenant }) => tenant),
  );
  app.use(problemDetails());

  it.each([['a'], ['a'.repeat(256)], ['ä€😀'], [0], [-1.5], [true], [false]])(
    'takes the scalar %p',
    async (tenant) => {
      const reply = await post(app, { tenant });
      expect([reply.status, reply.body.data?.outputs]).toEqual([200, tenant]);
    },
  );

  it.each([['a'.repeat(257)], ['a\nb'], ['a\u0085'], ['\u007f'], [[]], [{}], [['a']], [{ a: 1 }]])(
    'refuses %p with a 400 that names the rule, and not the value',
    async (tenant) => {
      const reply = await post(app, { session_id: 'conv-1', tenant });
      expect([reply.status, reply.body.code, reply.body.session_id]).toEqual([
        400,
        'INVALID_FIELD',
        'conv-1',
      ]);
      expect(reply.body.errors).toEqual([
        { pointer: '/tenant', detail: expect.stringContaining('1 to 256 characters') },
      ]);
    },
  );

  it('refuses a number that JSON makes infinite', async () => {
    const reply = await request(app)
      .post('/')
      .set('content-type', JSON_TYPE)
      .send('{"tenant":1e999}');
    expect([reply.status, reply.body.code]).toEqual([400, 'INVALID_FIELD']);
  });
});

describe('res.locals', () => {
  it.each<[string, object, object, number]>([
    ['whose caller is refused', { authorize: () => false }, { session_id: 'conv-1' }, 403],
    [
      'whose caller is refused later',
      { authorize: async () => sleep(1, false) },
      { session_id: 'conv-1' },
      403,
    ],
    ['whose authorize fails', { authorize: boom }, { session_id: 'conv-1' }, 403],
    [
      'whose data is wrong, of a caller who is refused',
      { authorize: () => false },
      { session_id: 'conv-1', data: 1 },
      403,
    ],
  ])('of a session %s shows neither its id nor its data', async (_which, options, body, status) => {
    const seen: object[] = [];
    const app = express();
    app.use(agentEnvelope(options));
    const look: ErrorRequestHandler = (error, _req, res, next) => {
      seen.push({ ...res.locals });
      next(error);
    };
    app.use(look, problemDetails());
    app.use((_req, res) => void res.json(Object.keys(res.locals)));
    const reply = await post(app, body);
    expect(reply.status).toBe(status);
    expect(reply.body.session_id).toBe('conv-1');
    expect(JSON.stringify(seen)).not.toContain('conv-1');
    expect(seen.flatMap((locals) => Object.keys(locals))).toEqual([]);
  });

  it('of a session that is being decided on shows nothing yet', async () => {
    let seen: object | undefined;
    const app = express();
    app.use(
      agentEnvelope({
        authorize: (_id, req) => {
          seen = { ...req.res?.locals };
          return true;
        },
      }),
    );
    app.post(
      '/',
      bind(['session_id'], ({ session_id }) => session_id),
    );
    expect((await post(app, { session_id: 'conv-1' })).body.data.outputs).toBe('conv-1');
    expect(Object.keys(seen ?? {})).toEqual([]);
  });
});

describe('an EnvelopeError', () => {
  it.each([400, 404, 499, 500, 504, 599])('takes the status %i', (status) => {
    const error = new EnvelopeError('ENGINE_FAILED', 'x', { status });
    expect([error.status, error.statusCode, error.expose]).toEqual([status, status, status < 500]);
  });

  it.each([0, 200, 204, 302, 399, 600, 404.5, -404, Number.NaN, Infinity, '404', null, {}, true])(
    'refuses the status %p, which is no error’s',
    (status) => {
      const make = () => new EnvelopeError('ENGINE_FAILED', 'x', { status: status as number });
      if (status === null) expect(make().status).toBe(502);
      else expect(make).toThrow(TypeError);
    },
  );

  it.each(['', 'NOT_OURS', 'toString', '__proto__', undefined, 7, {}])(
    'refuses the code %p',
    (code) => {
      expect(() => new EnvelopeError(code as never, 'x')).toThrow(TypeError);
    },
  );

  it('takes a message that is no text', () => {
    expect(new EnvelopeError('NO_ENVELOPE', undefined as never).message).toBe('undefined');
  });
});

import { randomUUID } from 'node:crypto';
import { jest } from '@jest/globals';
import { propagation, trace } from '@opentelemetry/api';
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express';
import request from 'supertest';
import {
  type AgentEnvelopeOptions,
  agentEnvelope,
  bind,
  getEnvelopeFields,
  getSessionId,
  problemDetails,
  sessionId,
} from '../lib/index.js';
import { pointers, post, serverSpan, UUID, useTracing } from './helpers.js';

/** `/plain` shows what an ordinary handler finds, `/bound` what a bound one gets. Errors show the session they run in. */
function appWith(options?: AgentEnvelopeOptions, ...before: RequestHandler[]): Express {
  const app = express();
  for (const middleware of before) app.use(middleware);
  app.use(agentEnvelope(options));
  app.post('/plain', (_req, res) => {
    res.json({ ...res.locals, active: getSessionId() ?? null });
  });
  app.post(
    '/bound',
    bind(['session_id', 'inputs', 'outputs', 'parameters'], (bound) => ({ ...bound })),
  );
  app.post(
    '/stream',
    bind([], async function* () {
      yield 1;
    }),
  );
  app.post('/fails', () => {
    throw new Error('the handler failed');
  });
  app.use(((error, _req, res, next) => {
    res.setHeader('x-active-session', getSessionId() ?? 'none');
    next(error);
  }) satisfies ErrorRequestHandler);
  app.use(problemDetails());
  return app;
}

const MOUNTS: [string, RequestHandler[]][] = [
  ['alone', []],
  ['after express.json()', [express.json()]],
];

describe.each(MOUNTS)('agentEnvelope() %s', (_title, before) => {
  const app = appWith(undefined, ...before);
  const data = { inputs: { q: 'why' }, outputs: [1, null], parameters: { t: 0.5 } };

  it.each<[string, object]>([
    ['canonical', { session_id: 'conv-1', data }],
    ['flat', { session_id: 'conv-1', ...data }],
  ])('reads the %s spelling into res.locals and the session', async (_spelling, envelope) => {
    const reply = await post(app, envelope, '/plain');
    expect(reply.status).toBe(200);
    expect(reply.body).toEqual({ session_id: 'conv-1', ...data, active: 'conv-1' });
    expect(reply.headers['x-session-id']).toBe('conv-1');
  });

  it('replies with the id, the header and the outputs where a bound handler returns a value', async () => {
    const reply = await post(app, { session_id: 'conv-1', data }, '/bound');
    expect(reply.body).toEqual({
      session_id: 'conv-1',
      data: { outputs: { session_id: 'conv-1', ...data } },
    });
    expect(reply.headers['x-session-id']).toBe('conv-1');
    const anonymous = await post(app, { data }, '/bound');
    expect(anonymous.body).toEqual({ data: { outputs: data } });
    expect(anonymous.headers).not.toHaveProperty('x-session-id');
  });

  it('never binds or keeps unknown siblings', async () => {
    const siblings = { version: '1', flags: {}, references: [], toString: 'x', constructor: 'x' };
    const reply = await post(app, { session_id: 'conv-1', ...siblings, data }, '/plain');
    expect(reply.status).toBe(200);
    expect(reply.body).toEqual({ session_id: 'conv-1', ...data, active: 'conv-1' });
  });

  it.each([
    '{"session_id":null}',
    '{"session_id":""}',
    '{"session_id":"  "}',
    '{"session_id":"\\n"}',
    '{}',
    '{"data":{"session_id":"conv-1"}}',
    '{"sessionId":"conv-1"}',
    '{"__proto__":{"session_id":"conv-1"}}',
  ])('takes %s for a request without a session', async (json) => {
    const reply = await post(app, json, '/plain');
    expect(reply.status).toBe(200);
    expect(reply.body).toEqual({ inputs: {}, parameters: {}, active: null });
    expect(reply.headers).not.toHaveProperty('x-session-id');
  });

  it('takes a session_id inside inputs for an ordinary input', async () => {
    const reply = await post(app, { data: { inputs: { session_id: 'not valid!' } } }, '/plain');
    expect(reply.body).toEqual({
      inputs: { session_id: 'not valid!' },
      parameters: {},
      active: null,
    });
  });

  it('never takes a header for a session id', async () => {
    const reply = await post(app, '{}', '/plain').set({
      'x-session-id': 'conv-1',
      session_id: 'conv-1',
      'session-id': 'conv-1',
    });
    expect(reply.body.active).toBeNull();
    expect(reply.headers).not.toHaveProperty('x-session-id');
    const both = await post(app, { session_id: 'conv-2' }, '/plain').set('x-session-id', 'conv-1');
    expect(both.body.active).toBe('conv-2');
  });

  it.each(['__proto__', 'constructor', 'toString', '0', 'A-b_c.d:e', 'x'.repeat(128)])(
    'takes the id %s unchanged',
    async (id) => {
      const reply = await post(app, { session_id: id }, '/plain');
      expect(reply.body).toMatchObject({ session_id: id, active: id });
      expect(reply.headers['x-session-id']).toBe(id);
    },
  );

  it.each<[string, unknown, string]>([
    ['a line break at its end', 'secret\n', 'secret'],
    ['a space', 'my secret', 'secret'],
    ['a space around it', ' secret ', 'secret'],
    ['a header in it', 'secret\r\nx-evil: 1', 'secret'],
    ['a letter outside ASCII', 'sécret', 'cret'],
    ['129 characters', 'x'.repeat(129), 'xxxx'],
    ['100,000 characters', 'y'.repeat(100_000), 'yyyy'],
    ['the type number', 31_415_926, '31415926'],
    ['the type boolean', true, 'true'],
    ['the type array', ['secret'], 'secret'],
    ['the type object', { secret: 1 }, 'secret'],
  ])('refuses an id of %s and never repeats it', async (_problem, id, trace) => {
    const reply = await post(app, { session_id: id, data }, '/plain');
    expect(reply.status).toBe(400);
    expect(reply.body).toMatchObject({
      code: 'INVALID_FIELD',
      errors: [
        {
          pointer: '/session_id',
          detail: 'must be a string that matches ^[A-Za-z0-9._:-]{1,128}$',
        },
      ],
    });
    expect(reply.body).not.toHaveProperty('session_id');
    expect(reply.headers).not.toHaveProperty('x-session-id');
    expect(reply.headers['x-active-session']).toBe('none');
    expect(reply.text + JSON.stringify(reply.headers)).not.toContain(trace);
  });

  it.each<[string, string[]]>([
    ['{"session_id":"conv-1","data":{},"inputs":{}}', ['/inputs']],
    ['{"session_id":"conv-1","data":{},"outputs":0}', ['/outputs']],
    ['{"session_id":"conv-1","data":{},"parameters":{}}', ['/parameters']],
    ['{"session_id":"conv-1","data":[]}', ['/data']],
    ['{"session_id":"conv-1","data":{"inputs":[]}}', ['/data/inputs']],
    ['{"session_id":"conv-1","parameters":"none"}', ['/parameters']],
  ])('refuses %s in the name of its session', async (json, expected) => {
    const reply = await post(app, json, '/plain');
    expect(reply.status).toBe(400);
    expect(reply.body).toMatchObject({ code: 'INVALID_ENVELOPE', session_id: 'conv-1' });
    expect(pointers(reply.body)).toEqual(expected);
    expect(reply.headers['x-session-id']).toBe('conv-1');
    expect(reply.headers['x-active-session']).toBe('conv-1');
  });

  /** JSON:API, CloudEvents, models served over HTTP: an object without a field whose data is of another shape. */
  describe.each<[string, string[]]>([
    ['{"data":[{"type":"articles","id":"1"}]}', ['/data']],
    ['{"specversion":"1.0","type":"order.paid","data":"text"}', ['/data']],
    ['{"inputs":"text"}', ['/inputs']],
    ['{"inputs":["a","b"],"parameters":{"k":1}}', ['/inputs']],
    ['{"parameters":"none"}', ['/parameters']],
    ['{"data":{"inputs":"text"}}', ['/data/inputs']],
    ['{"data":{},"inputs":{}}', ['/inputs']],
    ['{"session_id":null,"data":[]}', ['/data']],
    ['{"session_id":" ","data":[]}', ['/data']],
    ['{"data":[],"session":"conv-1"}', ['/data']],
  ])('given %s, of another route', (json, pointers) => {
    it.each<[string, AgentEnvelopeOptions]>([
      ['no option', {}],
      ["absentSession: 'mint'", { absentSession: 'mint' }],
      ["absentSession: 'require'", { absentSession: 'require' }],
      ['authorize', { authorize: () => false }],
      ['a further field', { fields: [sessionId, 'tenant'] }],
    ])('and %s, passes it untouched; a bound route refuses it', async (_title, options) => {
      const app = appWith(options, ...before);
      const plain = await post(app, json, '/plain');
      expect([plain.status, plain.body]).toEqual([200, { active: null }]);
      expect(plain.headers).not.toHaveProperty('x-session-id');
      const bound = await post(app, json, '/bound');
      expect([bound.status, bound.body.code]).toEqual([400, 'INVALID_ENVELOPE']);
      expect(bound.body.errors.map(({ pointer }: { pointer: string }) => pointer)).toEqual(
        pointers,
      );
      expect(bound.body).not.toHaveProperty('session_id');
      expect(bound.headers['x-session-id']).toBeUndefined();
      expect(bound.headers['x-active-session']).toBe('none');
    });
  });

  it.each<[string, string]>([
    ['{"tenant":"acme","data":[]}', 'INVALID_ENVELOPE'],
    ['{"tenant":{},"data":[]}', 'INVALID_FIELD'],
    ['{"tenant":0,"inputs":"text"}', 'INVALID_ENVELOPE'],
    ['{"tenant":false,"inputs":"text"}', 'INVALID_ENVELOPE'],
    ['{"session_id":"not valid","data":[]}', 'INVALID_FIELD'],
  ])('refuses %s, which has a field and so is meant for it', async (json, code) => {
    const reply = await post(appWith({ fields: [sessionId, 'tenant'] }, ...before), json, '/plain');
    expect([reply.status, reply.body.code]).toEqual([400, code]);
  });

  it.each(['[]', '[{"session_id":"conv-1"}]'])(
    'passes the JSON value %s, which a bound route refuses',
    async (json) => {
      const plain = await post(app, json, '/plain');
      expect([plain.status, plain.body]).toEqual([200, { active: null }]);
      const bound = await post(app, json, '/bound');
      expect([bound.status, bound.body.code]).toEqual([400, 'NO_ENVELOPE']);
    },
  );

  it.each(['"conv-1"', '7', 'null'])(
    'refuses the JSON value %s, as express.json() does',
    async (json) => {
      const plain = await post(app, json, '/plain');
      expect([plain.status, plain.body.code]).toEqual([400, 'MALFORMED_JSON']);
    },
  );

  it.each<[string, string]>([
    ['application/x-www-form-urlencoded', 'session_id=conv-1'],
    ['text/plain', '{"session_id":"conv-1"}'],
    ['application/octet-stream', '{"session_id":"conv-1"}'],
  ])('passes a body of type %s, which a bound route refuses', async (type, text) => {
    const plain = await request(app).post('/plain').set('content-type', type).send(text);
    expect([plain.status, plain.body]).toEqual([200, { active: null }]);
    const bound = await request(app).post('/bound').set('content-type', type).send(text);
    expect([bound.status, bound.body.code]).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE']);
  });

  it('passes a request without a body, which a bound route refuses', async () => {
    const plain = await request(app).post('/plain');
    expect([plain.status, plain.body]).toEqual([200, { active: null }]);
    const bound = await request(app).post('/bound');
    expect([bound.status, bound.body.code]).toEqual([400, 'NO_ENVELOPE']);
  });

  it('answers malformed JSON with 400 MALFORMED_JSON without quoting it', async () => {
    const reply = await post(app, '{"session_id":"conv-1","secret', '/plain');
    expect(reply.status).toBe(400);
    expect(reply.body).toMatchObject({ code: 'MALFORMED_JSON', status: 400 });
    expect(reply.text).not.toMatch(/conv-1|secret/);
  });

  it.each(['/fails', '/nowhere'])('keeps the id on the reply of %s', async (path) => {
    const reply = await post(app, { session_id: 'conv-1' }, path);
    expect(reply.status).toBeGreaterThanOrEqual(400);
    expect(reply.headers['x-session-id']).toBe('conv-1');
  });

  it('keeps the id on a stream and on a failure', async () => {
    const stream = await post(app, { session_id: 'conv-1' }, '/stream');
    expect([stream.status, stream.headers['x-session-id']]).toEqual([200, 'conv-1']);
    const failed = await post(app, { session_id: 'conv-1' }, '/fails');
    expect(failed.body).toMatchObject({ status: 500, session_id: 'conv-1' });
  });
});

describe('the body after agentEnvelope()', () => {
  it('is the same object, unchanged, when somebody else parsed it', async () => {
    const sent = { session_id: 'conv-1', data: { inputs: null }, version: 2 };
    let before: unknown;
    const app = express();
    app.use(express.json());
    app.use((req, _res, next) => {
      before = req.body;
      next();
    });
    app.use(agentEnvelope({ fields: [sessionId, 'tenant'] }));
    app.post('/', (req, res) => {
      res.json({ body: req.body, same: req.body === before });
    });
    const reply = await post(app, sent);
    expect(reply.body).toEqual({ body: sent, same: true });
  });

  it('is what was sent when the middleware parsed it', async () => {
    const sent = { session_id: ' ', inputs: null, tenant: '', version: 2 };
    const app = express();
    app.use(agentEnvelope({ absentSession: 'mint', fields: [sessionId, 'tenant'] }));
    app.post('/', (req, res) => {
      res.json(req.body);
    });
    expect((await post(app, sent)).body).toEqual(sent);
  });

  it('is left unread where it is no JSON, for a later parser', async () => {
    const app = express();
    app.use(agentEnvelope());
    app.use(express.urlencoded({ extended: false }));
    app.post('/', (req, res) => {
      res.json({ body: req.body, locals: Object.keys(res.locals) });
    });
    const reply = await request(app).post('/').type('form').send('session_id=conv-1');
    expect(reply.body).toEqual({ body: { session_id: 'conv-1' }, locals: [] });
  });

  it.each<[string, RequestHandler]>([
    ['raw', express.raw({ type: () => true })],
    ['text', express.text({ type: () => true })],
  ])('is read where express.%s() left the bytes of it', async (_parser, parser) => {
    const app = appWith(undefined, parser);
    const plain = await post(app, '{"session_id":"conv-1"}', '/plain');
    expect([plain.status, plain.body.active]).toEqual([200, 'conv-1']);
    const malformed = await post(app, '{"session_id":', '/plain');
    expect([malformed.status, malformed.body.code]).toEqual([400, 'MALFORMED_JSON']);
  });

  it('is read after express.urlencoded(), which passes over JSON', async () => {
    const app = appWith(undefined, express.urlencoded({ extended: true }));
    expect((await post(app, { session_id: 'conv-1' }, '/plain')).body.active).toBe('conv-1');
  });

  it('is read when it is of another JSON type', async () => {
    const reply = await request(appWith(undefined, express.json()))
      .post('/plain')
      .set('content-type', 'application/vnd.agent+json')
      .send('{"session_id":"conv-1"}');
    expect(reply.body.active).toBe('conv-1');
  });
});

describe('res.locals', () => {
  it('keeps what the app put there, whether there is an envelope or not', async () => {
    const app = appWith(undefined, (_req, res, next) => {
      res.locals.user = 'ada';
      next();
    });
    expect((await post(app, '{"session_id":"a"}', '/plain')).body.user).toBe('ada');
    expect((await request(app).post('/plain')).body).toEqual({ user: 'ada', active: null });
  });

  it('has the very objects of the body', async () => {
    const app = express();
    app.use(agentEnvelope());
    app.post('/', (req, res) => {
      const { inputs, parameters } = req.body.data;
      res.json([res.locals.inputs === inputs, res.locals.parameters === parameters]);
    });
    const reply = await post(app, { data: { inputs: { a: 1 }, parameters: { b: 2 } } });
    expect(reply.body).toEqual([true, true]);
  });
});

describe('options.limit', () => {
  const envelope = (bytes: number) => ({ inputs: { text: 'x'.repeat(bytes) } });

  it.each<[number | string | undefined, number]>([
    [100, 100],
    ['2kb', 2048],
    [undefined, 1024 * 1024],
  ])('%p answers 413 to a larger body', async (limit, bytes) => {
    const app = appWith({ limit });
    expect((await post(app, envelope(bytes - 50), '/plain')).status).toBe(200);
    const reply = await post(app, envelope(bytes), '/plain');
    expect(reply.status).toBe(413);
    expect(reply.body).toMatchObject({ code: 'BODY_TOO_LARGE', status: 413 });
  });

  it('leaves the limit of a parser before it alone', async () => {
    const app = appWith({ limit: 10 }, express.json());
    expect((await post(app, envelope(1000), '/plain')).status).toBe(200);
  });
});

describe("options.absentSession 'mint'", () => {
  const app = appWith({ absentSession: 'mint' });

  it.each(['{}', '{"session_id":null}', '{"session_id":" "}'])(
    'gives %s a random UUID, the same everywhere',
    async (json) => {
      const reply = await post(app, json, '/bound');
      const id = reply.headers['x-session-id'];
      expect(id).toMatch(UUID);
      expect(reply.body).toEqual({
        session_id: id,
        data: { outputs: { session_id: id, inputs: {}, parameters: {} } },
      });
      const plain = await post(app, json, '/plain');
      expect(plain.body.active).toBe(plain.headers['x-session-id']);
    },
  );

  it('gives each request an id of its own', async () => {
    const replies = await Promise.all([1, 2, 3].map(() => post(app, '{}', '/plain')));
    expect(new Set(replies.map(({ body }) => body.active)).size).toBe(3);
  });

  it('keeps the id that was sent', async () => {
    expect((await post(app, { session_id: 'conv-1' }, '/plain')).body.active).toBe('conv-1');
  });

  it('never replaces an id that breaks the rule', async () => {
    const reply = await post(app, { session_id: 'not valid' }, '/plain');
    expect([reply.status, reply.body.code]).toEqual([400, 'INVALID_FIELD']);
    expect(reply.body).not.toHaveProperty('session_id');
    expect(reply.headers).not.toHaveProperty('x-session-id');
  });

  it('names the minted session on a refusal of the data', async () => {
    const withTenant = appWith({ absentSession: 'mint', fields: [sessionId, 'tenant'] });
    const reply = await post(withTenant, { tenant: 'acme', data: 7 }, '/plain');
    expect(reply.status).toBe(400);
    expect(reply.body.session_id).toMatch(UUID);
    expect(reply.headers['x-session-id']).toBe(reply.body.session_id);
  });

  it('mints nothing where there is no envelope', async () => {
    const reply = await request(app).post('/plain');
    expect(reply.body).toEqual({ active: null });
    expect(reply.headers).not.toHaveProperty('x-session-id');
  });
});

describe("options.absentSession 'require'", () => {
  const app = appWith({ absentSession: 'require' });

  it.each(['{}', '{"session_id":null}', '{"session_id":""}', '{"session_id":" \\t"}'])(
    'answers 400 to %s',
    async (json) => {
      const reply = await post(app, json, '/plain');
      expect(reply.status).toBe(400);
      expect(reply.body).toMatchObject({
        code: 'SESSION_REQUIRED',
        errors: [{ pointer: '/session_id', detail: 'is required' }],
      });
    },
  );

  it('serves a request with an id, and says what is wrong with one that breaks the rule', async () => {
    expect((await post(app, { session_id: 'conv-1' }, '/plain')).body.active).toBe('conv-1');
    expect((await post(app, { session_id: 7 }, '/plain')).body.code).toBe('INVALID_FIELD');
  });

  it('passes what is no envelope', async () => {
    expect((await request(app).post('/plain')).status).toBe(200);
  });
});

describe.each(['anonymous', undefined] as const)('options.absentSession %p', (absentSession) => {
  it('serves a request that has no id, and gives it none', async () => {
    const reply = await post(appWith({ absentSession }), '{}', '/plain');
    expect(reply.body).toEqual({ inputs: {}, parameters: {}, active: null });
    expect(reply.headers).not.toHaveProperty('x-session-id');
  });
});

describe('options.authorize', () => {
  it.each<[string, AgentEnvelopeOptions['authorize']]>([
    ['is absent', undefined],
    ['returns true', () => true],
    ['resolves to true', async () => true],
  ])('lets the request in when it %s', async (_title, authorize) => {
    const reply = await post(appWith({ authorize }), { session_id: 'conv-1' }, '/plain');
    expect([reply.status, reply.body.active]).toEqual([200, 'conv-1']);
  });

  it.each<[string, () => unknown]>([
    ['returns false', () => false],
    ['resolves to false', async () => false],
    ['returns undefined', () => undefined],
    ['resolves to undefined', async () => undefined],
    ['returns 1', () => 1],
    ['returns "true"', () => 'true'],
    ['returns an object', () => ({ allowed: true })],
    ['resolves to an object', async () => ({})],
    ['returns null', () => null],
    [
      'throws',
      () => {
        throw new Error('the secret store is down');
      },
    ],
    ['rejects', () => Promise.reject(new Error('the secret store is down'))],
    ['rejects with nothing', () => Promise.reject()],
  ])('answers 403 and enters no session when it %s', async (_title, authorize) => {
    const reached = jest.fn<() => void>();
    const app = appWith({ authorize: authorize as () => boolean });
    app.use(((_error, _req, _res, next) => {
      reached();
      next();
    }) satisfies ErrorRequestHandler);
    const reply = await post(app, { session_id: 'conv-1' }, '/plain');
    expect(reply.status).toBe(403);
    expect(reply.body).toMatchObject({ code: 'SESSION_FORBIDDEN', status: 403 });
    expect(reply.body).not.toHaveProperty('active');
    expect(reply.headers['x-active-session']).toBe('none');
    expect(reply.text).not.toContain('secret store');
    expect(reached).not.toHaveBeenCalled();
  });

  it('echoes the id that was sent on the refusal', async () => {
    const reply = await post(appWith({ authorize: () => false }), { session_id: 'c-1' }, '/plain');
    expect(reply.body.session_id).toBe('c-1');
    expect(reply.headers['x-session-id']).toBe('c-1');
  });

  it('keeps the cause for the error handler of the app', async () => {
    const cause = new Error('the store is down');
    const app = express();
    app.use(agentEnvelope({ authorize: () => Promise.reject(cause) }));
    let seen: unknown;
    app.use(((error, _req, res, _next) => {
      seen = error.cause;
      res.sendStatus(error.status);
    }) satisfies ErrorRequestHandler);
    await post(app, { session_id: 'conv-1' });
    expect(seen).toBe(cause);
  });

  it('is asked once, with the id and the request', async () => {
    const authorize = jest.fn((id: string, req: express.Request) => id === req.get('x-owner-of'));
    const app = appWith({ authorize });
    const mine = await post(app, { session_id: 'c-1' }, '/plain').set('x-owner-of', 'c-1');
    expect(mine.status).toBe(200);
    expect(authorize).toHaveBeenCalledTimes(1);
    const theirs = await post(app, { session_id: 'c-2' }, '/plain').set('x-owner-of', 'c-1');
    expect(theirs.status).toBe(403);
    expect(authorize).toHaveBeenCalledTimes(2);
  });

  it.each<[string, AgentEnvelopeOptions, string | undefined]>([
    ['without an id', {}, '{}'],
    ['with a blank id', {}, '{"session_id":" "}'],
    ['with a minted id', { absentSession: 'mint' }, '{}'],
    ['without the id that is required', { absentSession: 'require' }, '{}'],
    ['with an id that breaks the rule', {}, '{"session_id":7}'],
    ['without an envelope', {}, '[]'],
  ])('is not asked about a request %s', async (_title, options, json) => {
    const authorize = jest.fn(() => false);
    const reply = await post(appWith({ ...options, authorize }), json ?? '', '/plain');
    expect(authorize).not.toHaveBeenCalled();
    expect(reply.status).not.toBe(403);
  });

  it('comes before the data: a stranger learns nothing else about the request', async () => {
    const app = appWith({ authorize: () => false });
    expect((await post(app, { session_id: 'c-1', data: 7 }, '/plain')).status).toBe(403);
  });

  it('lets the session in before the data are refused', async () => {
    const app = appWith({ authorize: async () => true });
    const reply = await post(app, { session_id: 'c-1', data: 7 }, '/plain');
    expect([reply.status, reply.headers['x-active-session']]).toEqual([400, 'c-1']);
  });
});

describe('options.responseHeader', () => {
  it.each(['x-conversation', 'X-Conversation'])('%s is the header of the id', async (name) => {
    const app = appWith({ responseHeader: name });
    const reply = await post(app, { session_id: 'conv-1' }, '/plain');
    expect(reply.headers['x-conversation']).toBe('conv-1');
    expect(reply.headers).not.toHaveProperty('x-session-id');
    const refused = await post(app, { session_id: 'conv-1', data: 7 }, '/plain');
    expect(refused.headers['x-conversation']).toBe('conv-1');
  });

  it('false leaves the id in the body of replies only', async () => {
    const app = appWith({ responseHeader: false });
    for (const path of ['/bound', '/fails']) {
      const reply = await post(app, { session_id: 'conv-1' }, path);
      expect(JSON.stringify(reply.headers).replace(/"x-active-session":"[^"]*"/, '')).not.toContain(
        'conv-1',
      );
      expect(reply.body.session_id).toBe('conv-1');
    }
  });

  it('undefined is the default', async () => {
    const reply = await post(appWith({ responseHeader: undefined }), { session_id: 'a' }, '/plain');
    expect(reply.headers['x-session-id']).toBe('a');
  });
});

describe('options.fields', () => {
  const fields: AgentEnvelopeOptions['fields'] = [
    sessionId,
    { name: 'user', schema: { type: ['object', 'string'] } },
    { name: 'tenant', schema: { type: 'string', maxLength: 4 }, attribute: 'app.tenant' },
  ];

  it('gives a further field its place in res.locals, in the session and in a binding', async () => {
    const app = express();
    app.use(agentEnvelope({ fields }));
    app.post('/plain', (_req, res) => {
      res.json({ locals: res.locals, log: getEnvelopeFields() });
    });
    app.post(
      '/bound',
      bind(['tenant', 'user'], (bound) => ({ ...bound })),
    );
    const envelope = { session_id: 'c-1', tenant: 'acme', user: { id: 7 }, other: 1 };
    const present = { session_id: 'c-1', tenant: 'acme', user: { id: 7 } };
    expect((await post(app, envelope, '/plain')).body).toEqual({
      locals: { ...present, inputs: {}, parameters: {} },
      log: present,
    });
    expect((await post(app, envelope, '/bound')).body.data.outputs).toEqual({
      tenant: 'acme',
      user: { id: 7 },
    });
  });

  it('reads a further field from the top level only, and null or blank as absent', async () => {
    const app = appWith({ fields });
    for (const envelope of [
      { tenant: null, user: ' ' },
      { data: { tenant: 'acme', user: 'ada' } },
      { inputs: {}, parameters: {} },
    ]) {
      const reply = await post(app, envelope, '/plain');
      expect(reply.status).toBe(200);
      expect(reply.body).not.toHaveProperty('tenant');
      expect(reply.body).not.toHaveProperty('user');
    }
  });

  it('refuses a bad further field in the name of the valid session', async () => {
    const reply = await post(
      appWith({ fields }),
      {
        session_id: 'c-1',
        tenant: 'secret',
      },
      '/plain',
    );
    expect(reply.status).toBe(400);
    expect(reply.body).toMatchObject({
      code: 'INVALID_FIELD',
      session_id: 'c-1',
      errors: [{ pointer: '/tenant' }],
    });
    expect(reply.headers['x-session-id']).toBe('c-1');
    expect(reply.headers['x-active-session']).toBe('c-1');
    expect(reply.text).not.toContain('secret');
  });

  it.each<[string, AgentEnvelopeOptions]>([
    ['without a policy', {}],
    ['under mint', { absentSession: 'mint' }],
    ['under require', { absentSession: 'require' }],
  ])('names only the bad field when the session is absent, too, %s', async (_title, options) => {
    const reply = await post(appWith({ ...options, fields }), { tenant: 'secret' }, '/plain');
    expect(reply.body).toMatchObject({ code: 'INVALID_FIELD', errors: [{ pointer: '/tenant' }] });
  });

  it('is refused before the data, which are then not looked at', async () => {
    const reply = await post(appWith({ fields }), { session_id: 7, data: 'no object' }, '/plain');
    expect(reply.status).toBe(400);
    expect(reply.body).toMatchObject({
      code: 'INVALID_FIELD',
      errors: [{ pointer: '/session_id' }],
    });
  });

  it('may have a name that every object has, and reads it only where it was sent', async () => {
    const app = appWith({ fields: [sessionId, 'toString', 'hasOwnProperty'] });
    expect((await post(app, '{}', '/plain')).body).toEqual({
      inputs: {},
      parameters: {},
      active: null,
    });
    expect((await post(app, '{"toString":"x"}', '/plain')).body.toString).toBe('x');
  });
});

describe('a second mount', () => {
  it('keeps the id that the first one minted', async () => {
    const app = express();
    app.use(agentEnvelope({ absentSession: 'mint' }));
    app.use((_req, res, next) => {
      res.locals.first = getSessionId();
      next();
    });
    app.post('/', agentEnvelope({ absentSession: 'mint' }), (_req, res) => {
      res.json([res.locals.first, res.locals.session_id, getSessionId()]);
    });
    const reply = await post(app, '{}');
    const id = reply.headers['x-session-id'];
    expect(id).toMatch(UUID);
    expect(reply.body).toEqual([id, id, id]);
  });

  it("takes the minted id for the one that 'require' asks for", async () => {
    const app = appWith({ absentSession: 'require' }, agentEnvelope({ absentSession: 'mint' }));
    expect((await post(app, '{}', '/plain')).status).toBe(200);
  });

  it('requires and authorizes on its own', async () => {
    const required = appWith({ absentSession: 'require' }, agentEnvelope());
    expect((await post(required, '{}', '/plain')).status).toBe(400);
    const refused = appWith({ authorize: () => false }, agentEnvelope());
    expect((await post(refused, { session_id: 'c-1' }, '/plain')).status).toBe(403);
  });

  it('refuses by its own fields what passed the first one', async () => {
    const app = appWith({ fields: [sessionId, 'tenant'] }, agentEnvelope());
    const refused = await post(app, { tenant: 'acme', data: [] }, '/plain');
    expect([refused.status, refused.body.code]).toEqual([400, 'INVALID_ENVELOPE']);
    const passed = await post(app, { data: [] }, '/plain');
    expect([passed.status, passed.body]).toEqual([200, { active: null }]);
  });

  it('keeps the session where the app has replaced the body since', async () => {
    const replaceBody: RequestHandler = (req, _res, next) => {
      req.body = { data: [] };
      next();
    };
    const app = appWith({}, agentEnvelope({ absentSession: 'mint' }), replaceBody);
    const reply = await post(app, '{}', '/plain');
    expect([reply.status, reply.body.code]).toEqual([400, 'INVALID_ENVELOPE']);
    expect(reply.body.session_id).toMatch(UUID);
  });

  it('adds its own fields', async () => {
    const app = appWith({ fields: [sessionId, 'tenant'] }, agentEnvelope());
    const reply = await post(app, { session_id: 'c-1', tenant: 'acme' }, '/plain');
    expect(reply.body).toMatchObject({ session_id: 'c-1', tenant: 'acme', active: 'c-1' });
  });

  const field = { name: 'tenant', schema: { type: 'string', maxLength: 4 } };

  it.each([
    ['first', [[sessionId, field], [sessionId]]],
    ['second', [[sessionId], [sessionId, field]]],
  ])(
    'keeps the field that the %s one declares: no input stands in for it',
    async (_which, mounts) => {
      const app = express();
      for (const fields of mounts) app.use(agentEnvelope({ fields }));
      app.post(
        '/',
        bind(['tenant'], (bound) => ({ ...bound, logged: getEnvelopeFields() })),
      );
      app.use(problemDetails());
      const given = await post(app, {
        session_id: 's',
        tenant: 'acme',
        inputs: { tenant: 'not checked' },
      });
      expect(given.body.data.outputs).toEqual({
        tenant: 'acme',
        logged: { session_id: 's', tenant: 'acme' },
      });
      const absent = await post(app, { inputs: { tenant: 'not checked' } });
      expect(absent.body.data.outputs).toEqual({ logged: {} });
    },
  );
});

describe('two requests at once', () => {
  it('never see the session of each other', async () => {
    const app = express();
    app.use(agentEnvelope());
    app.post('/', async (_req, res) => {
      const before = getSessionId();
      await new Promise((resolve) => setImmediate(resolve));
      res.json([before, getSessionId(), res.locals.session_id]);
    });
    const ids = Array.from({ length: 10 }, () => randomUUID());
    const replies = await Promise.all(ids.map((id) => post(app, { session_id: id })));
    expect(replies.map(({ body }) => body)).toEqual(ids.map((id) => [id, id, id]));
    expect((await post(app, '{}')).body).toEqual([null, null, null]);
  });
});

describe('an envelope that is nested very deep', () => {
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;

  it.each<[string, AgentEnvelopeOptions['fields']]>([
    ['a field that is a span attribute', [sessionId, { name: 'tags', attribute: 'app.tags' }]],
    [
      'a field with a recursive schema',
      [
        sessionId,
        {
          name: 'tags',
          schema: {
            definitions: { tags: { type: 'array', items: { $ref: '#/definitions/tags' } } },
            $ref: '#/definitions/tags',
          },
        },
      ],
    ],
  ])('gets a reply, and does not bring the process down, in %s', async (_title, fields) => {
    const app = appWith({ fields });
    const reply = await post(app, `{"session_id":"c-1","tags":${deep}}`, '/plain');
    expect([reply.status, reply.body.code]).toEqual([400, 'INVALID_FIELD']);
    expect((await post(app, { session_id: 'c-2' }, '/plain')).status).toBe(200);
  });

  it('is refused in the name of its session, as any other', async () => {
    const app = appWith({ fields: [sessionId, { name: 'tags', attribute: 'app.tags' }] });
    const reply = await post(app, `{"session_id":"c-1","tags":${deep}}`, '/plain');
    expect(reply.status).toBe(400);
    expect(reply.headers['x-session-id']).toBe('c-1');
    expect(reply.body.session_id).toBe('c-1');
  });
});

describe("an app's own error handler", () => {
  const app = express();
  app.use(agentEnvelope({ limit: 200, authorize: (id) => id !== 'theirs' }));
  app.post(
    '/bound',
    bind([], () => 1),
  );
  app.use(((error, _req, res, _next) => {
    const { status, statusCode, code, expose, message, errors } = error;
    res.status(status).json({ statusCode, code, expose, message, errors });
  }) satisfies ErrorRequestHandler);

  it('finds all it needs on the error', async () => {
    const reply = await post(app, { session_id: 'c 1' }, '/bound');
    const detail = 'must be a string that matches ^[A-Za-z0-9._:-]{1,128}$';
    expect(reply.status).toBe(400);
    expect(reply.body).toEqual({
      statusCode: 400,
      code: 'INVALID_FIELD',
      expose: true,
      message: `/session_id ${detail}`,
      errors: [{ pointer: '/session_id', detail }],
    });
  });

  it.each<[number, string | undefined, string]>([
    [403, 'SESSION_FORBIDDEN', '{"session_id":"theirs"}'],
    [400, 'INVALID_ENVELOPE', '{"data":1}'],
    [400, 'NO_ENVELOPE', '[]'],
    [400, undefined, '{'],
    [413, undefined, JSON.stringify({ inputs: { long: 'x'.repeat(200) } })],
  ])('gets a %i with the code %s', async (status, code, json) => {
    const reply = await post(app, json, '/bound');
    expect(reply.status).toBe(status);
    expect(reply.body).toMatchObject({ statusCode: status, expose: true });
    expect(reply.body.code).toBe(code);
  });

  it('is not needed: Express itself answers with the status and the id', async () => {
    const bare = express();
    bare.use(agentEnvelope());
    const reply = await post(bare, { session_id: 'c-1', data: 7 });
    expect(reply.status).toBe(400);
    expect(reply.headers['x-session-id']).toBe('c-1');
  });
});

describe('with OpenTelemetry', () => {
  const { attributesOf, reset, spanNamed } = useTracing();

  /** A span of the server around the request, as HTTP instrumentation makes it, and one of a handler. */
  function tracedApp(options: AgentEnvelopeOptions): Express {
    const app = express();
    app.use(serverSpan);
    app.use(agentEnvelope(options));
    app.post('/', (_req, res) => {
      trace.getTracer('spec').startSpan('work').end();
      res.json({ baggage: propagation.getActiveBaggage()?.getAllEntries() ?? [] });
    });
    app.post(
      '/bound',
      bind([], () => 1),
    );
    app.use(problemDetails());
    return app;
  }

  it('stamps the span of the server and the spans of the session with every attribute', async () => {
    const fields = [sessionId, { name: 'tenant', attribute: 'app.tenant' }, 'user'];
    const app = tracedApp({ fields });
    await post(app, { session_id: 'c-1', tenant: 'acme', user: 'ada' });
    const attributes = { 'session.id': 'c-1', 'app.tenant': 'acme' };
    expect(attributesOf('work')).toEqual(attributes);
    expect(attributesOf('server')).toEqual(attributes);
  });

  it('stamps a minted id, and nothing where there is none', async () => {
    const minted = await post(tracedApp({ absentSession: 'mint' }), '{}');
    const id = minted.headers['x-session-id'];
    expect(id).toMatch(UUID);
    expect(attributesOf('work')).toMatchObject({ 'session.id': id });
    expect(attributesOf('server')).toMatchObject({ 'session.id': id });
    reset();
    await post(tracedApp({}), '{}');
    expect([attributesOf('work'), attributesOf('server')]).toEqual([{}, {}]);
  });

  it('stamps no span of a caller that was refused', async () => {
    const reply = await post(tracedApp({ authorize: () => false }), { session_id: 'c-1' });
    expect(reply.status).toBe(403);
    expect(attributesOf('server')).toEqual({});
  });

  it('stamps the span of the server of a request whose data were refused', async () => {
    await post(tracedApp({}), { session_id: 'c-1', data: 7 });
    expect(attributesOf('server')).toMatchObject({ 'session.id': 'c-1' });
  });

  it('puts the trace and the span of the request on the reply of a bound handler', async () => {
    const reply = await post(tracedApp({}), { session_id: 'c-1' }, '/bound');
    const server = spanNamed('server');
    expect(reply.body).toEqual({
      session_id: 'c-1',
      trace_id: server?.spanContext().traceId,
      span_id: server?.spanContext().spanId,
      data: { outputs: 1 },
    });
    expect(reply.body.trace_id).toMatch(/^[0-9a-f]{32}$/);
  });

  it.each([undefined, false])('options.baggage %p keeps the id out of baggage', async (baggage) => {
    const reply = await post(tracedApp({ baggage }), { session_id: 'c-1' });
    expect(reply.body.baggage).toEqual([]);
  });

  it('options.baggage true puts the id, and nothing else, into baggage', async () => {
    const fields = [sessionId, 'tenant'];
    const app = tracedApp({ baggage: true, fields });
    const reply = await post(app, { session_id: 'c-1', tenant: 'acme' });
    expect(reply.body.baggage).toEqual([['session.id', { value: 'c-1' }]]);
    expect((await post(app, '{}')).body.baggage).toEqual([]);
  });
});

describe('the middleware itself', () => {
  it('has its name, for stacks and spans', () => {
    expect(agentEnvelope().name).toBe('agentEnvelope');
  });

  it.each([agentEnvelope, problemDetails])(
    'reports where it is mounted that %p was not called',
    (factory) => {
      const act = () => express().use(factory as unknown as RequestHandler);
      expect(act).toThrow(TypeError);
      expect(act).toThrow(`Did you mean app.use(${factory.name}())?`);
    },
  );

  it.each([agentEnvelope, problemDetails])(
    'reports with the first request that a router got %p without a call',
    async (factory) => {
      const app = express();
      app.use(express.Router().use(factory as unknown as RequestHandler));
      let seen: unknown;
      app.use(((error, _req, res, _next) => {
        seen = error;
        res.sendStatus(500);
      }) satisfies ErrorRequestHandler);
      await request(app).get('/');
      expect(seen).toBeInstanceOf(TypeError);
      expect(String(seen)).toContain(`Did you mean app.use(${factory.name}())?`);
    },
  );
});

describe('a session that was refused', () => {
  it.each([
    [
      'a bound route',
      (app: express.Express) =>
        app.post(
          '/',
          bind([], () => 'let in'),
        ),
    ],
    ['a second mount', (app: express.Express) => app.use(agentEnvelope())],
  ])('stays closed where an error handler goes on: in %s', async (_what, add) => {
    const app = express();
    const seen: unknown[] = [];
    app.use(agentEnvelope({ authorize: () => false }));
    app.use((_e: unknown, _q: express.Request, _s: express.Response, next: express.NextFunction) =>
      next(),
    );
    add(app);
    app.use((e: unknown, _q: express.Request, _s: express.Response, next: express.NextFunction) => {
      seen.push(getSessionId());
      next(e);
    });
    app.use(problemDetails());
    await post(app, { session_id: 'theirs' }).expect(403);
    expect(seen).toEqual([undefined]);
  });
});

import express from 'express';
import request from 'supertest';
import { run } from '../../lib/engines/index.js';
import { remote } from '../../lib/engines/remote/index.js';
import { agentEnvelope, bind, EnvelopeError, problemDetails } from '../../lib/index.js';
import { compileSchema, type SchemaCheck } from '../../lib/shared/schema.js';
import { smallEngine } from '../engines/small-engine.js';
import { post } from '../helpers.js';

/** What somebody put onto `Object.prototype`, for as long as `use` takes. */
async function polluted<T>(
  members: object,
  use: () => T | Promise<T>,
  enumerable = true,
): Promise<T> {
  for (const [name, value] of Object.entries(members)) {
    Object.defineProperty(Object.prototype, name, {
      value,
      configurable: true,
      enumerable,
      writable: true,
    });
  }
  try {
    return await use();
  } finally {
    for (const name of Object.keys(members)) Reflect.deleteProperty(Object.prototype, name);
  }
}

const ask = { messages: [{ role: 'user' as const, content: 'hi' }] };

describe('a polluted Object.prototype', () => {
  it.each<[options: string, members: object, use: () => unknown]>([
    [
      'agentEnvelope()',
      { limit: -1, absentSession: 'x', authorize: 1, responseHeader: 1, baggage: 1, fields: 1 },
      () => agentEnvelope({}),
    ],
    ['agentEnvelope(), of a misuse', { url: '/', headers: {} }, () => agentEnvelope({})],
    ['bind(), of a misuse', { handle: 1, use: 1 }, () => bind([], () => 1)],
    ['problemDetails()', { onError: 1 }, () => problemDetails({})],
    ['bind()', { stream: 'x' }, () => bind([], () => 1, {})],
    ['a declaration', { inputs: 1, parameters: 1, outputs: 1, other: 1 }, () => bind({}, () => 1)],
    [
      'a field',
      { schema: 1, attribute: 1 },
      () => agentEnvelope({ fields: ['session_id', { name: 'a' }] }),
    ],
    ['run()', { signal: 1, captureContent: 1 }, () => run(smallEngine(), ask, {})],
    ['remote()', { timeoutMs: -1, fetch: 1 }, () => remote({ url: 'http://127.0.0.1:1/' })],
    [
      'EnvelopeError',
      { cause: 1, status: 7, errors: 1 },
      () => new EnvelopeError('NO_ENVELOPE', 'x', {}),
    ],
  ])('is not read as an option of %s', async (_options, members, use) => {
    await polluted(members, () => expect(use).not.toThrow());
  });

  it.each<[options: string, members: object, use: () => unknown]>([
    ['remote()', { url: 'http://127.0.0.1:1/' }, () => remote({} as never)],
    ['a field', { name: 'tenant' }, () => agentEnvelope({ fields: ['session_id', {} as never] })],
    [
      'the first field',
      { name: 'session_id' },
      () => agentEnvelope({ fields: [{ schema: {} } as never] }),
    ],
  ])('stands in for no option that is required: %s', async (_options, members, use) => {
    await polluted(members, () => expect(use).toThrow(TypeError));
  });

  it('is no part of what an engine is asked', async () => {
    const engine = smallEngine();
    const { open } = engine;
    const asked: unknown[] = [];
    engine.open = (request, signal) => {
      asked.push(request.model, request.parameters);
      return open(request, signal);
    };
    const members = { model: 'x', parameters: { p: 1 }, sessionId: 'conv-9' };
    const { sessionId, engineSessionId } = await polluted(members, () => run(engine, ask).result);
    expect(asked).toEqual([undefined, undefined]);
    expect(sessionId).toBe(engineSessionId);
  });

  it('gives an error neither a cause nor another status', async () => {
    await polluted({ cause: 'x', status: 503, errors: [{ pointer: '/x', detail: 'x' }] }, () => {
      const error = new EnvelopeError('NO_ENVELOPE', 'x', {});
      expect([Object.hasOwn(error, 'cause'), error.status, error.errors]).toEqual([false, 400, []]);
    });
  });

  it.each([
    ['$async', true],
    ['$schema', 'https://json-schema.org/draft/2020-12/schema'],
    ['coerceTypes', true],
    ['useDefaults', true],
    ['allErrors', true],
    ['verbose', true],
    ['$data', true],
  ])(
    'lets no schema check anything else by %s: at the worst, ajv refuses it at start',
    async (name, value) => {
      const schema = {
        type: 'object',
        properties: { a: { type: 'integer', default: 1 }, b: { type: 'integer' } },
        additionalProperties: false,
      };
      await polluted(
        { [name]: value },
        () => {
          let check: SchemaCheck;
          try {
            check = compileSchema(schema, 'spec');
          } catch {
            return;
          }
          const body = { a: '1', b: '2' };
          expect(check(body, '')).toEqual([{ pointer: '/a', detail: 'must be integer' }]);
          expect(check({}, '')).toBeUndefined();
          expect(check({ c: 1 }, '')).toEqual([{ pointer: '/c', detail: 'is not a known member' }]);
          expect(body).toEqual({ a: '1', b: '2' });
        },
        false,
      );
    },
  );

  it.each<[string, object]>([
    [
      'names of the envelope',
      {
        session_id: 'conv-9',
        data: { inputs: { q: 9 } },
        inputs: { q: 9 },
        outputs: 9,
        parameters: {},
        tenant: 'x',
      },
    ],
    [
      'names of our own',
      {
        kind: 'none',
        refusal: { code: 'NO_ENVELOPE', message: 'x' },
        state: 1,
        heartbeatMs: 1,
        left: true,
        status_code: 1,
        request: 1,
        rest: 1,
      },
    ],
  ])('is no part of a request, and nothing in res.locals: %s', async (_what, members) => {
    const app = express();
    let locals: string[] = [];
    const envelope = agentEnvelope({ fields: ['session_id', 'tenant'] });
    // Mounted twice: the second one inherits the fields of the first.
    app.use(envelope, envelope);
    app.post(
      '/',
      (_req, res, next) => {
        locals = Object.keys(res.locals);
        next();
      },
      bind(['session_id', 'tenant', 'inputs', 'q', '...rest'], (bound) => Object.entries(bound)),
    );
    app.use(problemDetails());
    const { body, status } = await polluted(members, () => post(app, '{"parameters":{"p":1}}'));
    expect(status).toBe(200);
    expect(Object.fromEntries(body.data.outputs)).toMatchObject({
      inputs: {},
      rest: { parameters: { p: 1 } },
    });
    expect(JSON.stringify(body)).not.toMatch(/9|"x"/);
    expect(locals.sort()).toEqual(['inputs', 'outputs', 'parameters', 'session_id', 'tenant']);
  });

  it.each(['error', 'errors', 'fault', 'idOf', 'value', 'data', 'slot', 'client'])(
    'stands in for no outcome of a check, and no member of ours: %s',
    async (name) => {
      const app = express();
      app.use(agentEnvelope());
      const inputs = { type: 'object', properties: { q: { type: 'string' } } } as const;
      app.post(
        '/value',
        bind({ inputs }, ({ inputs: { q } }) => q),
      );
      app.post(
        '/stream',
        bind(['q'], async function* ({ q }) {
          yield q;
        }),
      );
      app.use(problemDetails());
      const body = { session_id: 's-1', inputs: { q: 'a' }, parameters: {} };
      await polluted(
        { [name]: 'polluted' },
        async () => {
          const value = await post(app, body, '/value');
          expect([value.status, value.body.data?.outputs]).toEqual([200, 'a']);
          const stream = await post(app, body, '/stream').set('Accept', 'text/event-stream');
          expect([stream.status, stream.text]).toEqual([200, 'data: "a"\n\n']);
        },
        false,
      );
    },
  );

  it('gives an unknown error neither a status nor a message to show', async () => {
    const app = express();
    app.set('env', 'test');
    app.get('/', () => {
      throw new Error('private');
    });
    app.use(problemDetails());
    const members = { status: 404, expose: true, type: 'entity.too.large' };
    const reply = await polluted(members, () => request(app).get('/'));
    expect([reply.status, reply.body.code]).toEqual([500, 'INTERNAL_ERROR']);
  });
});

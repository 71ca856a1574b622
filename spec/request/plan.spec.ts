import express, { type RequestHandler } from 'express';
import { Type } from 'typebox';
import { agentEnvelope, bind, envelopeField, sessionId } from '../../lib/index.js';
import { compilePlan } from '../../lib/request/plan.js';
import { type AgentRun, brandRun } from '../../lib/shared/agent-run.js';
import { envelopeApp, NDJSON, pointers, post, SSE } from '../helpers.js';

const QUESTION = {
  type: 'object',
  properties: { question: { type: 'string', maxLength: 20 }, top: { type: 'integer' } },
  required: ['question'],
  additionalProperties: false,
} as const;
const TEMPERATURE = {
  type: 'object',
  properties: { temperature: { type: 'number' } },
  required: ['temperature'],
} as const;

const TENANT = envelopeField({ name: 'tenant', schema: { type: 'string', maxLength: 8 } });

const appOf = (route: RequestHandler) => envelopeApp(express(), route).app;

describe('a declaration is refused at once', () => {
  it.each<[string, unknown, RegExp]>([
    ['null', null, /^bind: names .*null/],
    ['a string', 'inputs', /^bind: names .*'inputs'/],
    ['nothing', undefined, /^bind: names .*undefined/],
    ['an unknown type in a schema', { inputs: { type: 'strin' } }, /^bind: inputs /],
    [
      'a misspelt keyword',
      { inputs: { type: 'object', propertys: {} } },
      /^bind: inputs .*propertys/,
    ],
    [
      'a format nobody knows',
      { inputs: { type: 'string', format: 'nope' } },
      /^bind: inputs .*nope/,
    ],
    ['a $ref to nowhere', { parameters: { $ref: '#/definitions/x' } }, /^bind: parameters /],
    ['a wrong schema of the outputs', { outputs: { type: 7 } }, /^bind: outputs /],
    [
      'a schema of a draft it does not know',
      { inputs: { $schema: 'http://json-schema.org/draft-04/schema#' } },
      /^bind: inputs must have a \$schema of .*draft-07.*2020-12/,
    ],
    ['an asynchronous schema', { inputs: { $async: true, type: 'object' } }, /^bind: inputs /],
    ['false instead of a schema', { inputs: false }, /^bind: inputs .*false/],
    ['null instead of a schema', { parameters: null }, /^bind: parameters .*null/],
    ['an array instead of a schema', { inputs: [] }, /^bind: inputs /],
    [
      'a schema for an envelope field',
      { session_id: { type: 'string' } },
      /^bind: session_id .*true/,
    ],
    ['a schema for the envelope', { request: { type: 'object' } }, /^bind: request .*true/],
    ['a misspelt name with a schema', { inputz: {} }, /^bind: inputz .*did you mean inputs\?/],
    ['a shortened name with a schema', { params: {} }, /^bind: params .*did you mean parameters\?/],
    ['a capital', { Outputs: {} }, /^bind: Outputs .*did you mean outputs\?/],
    [
      'a name of its own with a schema',
      { body: {} },
      /^bind: body must be true or the field of that name: only inputs, outputs, parameters take a schema, got/,
    ],
    ['a field under another name', { org: TENANT }, /^bind: org .*name of the field.*'tenant'/],
    ['a field for the data', { inputs: TENANT }, /^bind: inputs .*name of the field.*'tenant'/],
    ['a field for the rest', { '...rest': TENANT }, /^bind: ...rest .*name of the field.*'tenant'/],
    ['a list of a field', { tenant: [TENANT] }, /^bind: tenant must be true or the field/],
    ['false for a name', { session_id: false }, /^bind: session_id .*true.*false/],
    [
      'a name that reaches a prototype',
      JSON.parse('{"__proto__":true}'),
      /^bind: declaration .*__proto__/,
    ],
    ['two rests', { '...a': true, '...b': true }, /^bind: declaration .*one rest/],
    ['an empty name', { '': true }, /^bind: declaration /],
  ])('when it has %s', (_what, declaration, message) => {
    let thrown: unknown;
    try {
      bind(declaration as { session_id: true }, () => null);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(TypeError);
    expect((thrown as TypeError).message).toMatch(message);
  });

  it('when a second route has the schema that was refused on the first', () => {
    const inputs = { $schema: 'http://json-schema.org/draft-04/schema#', type: 'object' };
    const declare = () => bind({ inputs }, () => null);
    expect(declare).toThrow(TypeError);
    expect(declare).toThrow(TypeError);
  });
});

describe('a declaration binds', () => {
  it('the names with `true` as the list form does, and those with a schema', async () => {
    const app = appOf(
      bind(
        { session_id: true, inputs: QUESTION, parameters: true, question: true, '...rest': true },
        (bound) => bound,
      ),
    );
    const { body } = await post(app, {
      session_id: 's-1',
      data: { inputs: { question: 'q' }, outputs: 'o', parameters: { p: 1 } },
    });
    expect(body.data.outputs).toEqual({
      session_id: 's-1',
      inputs: { question: 'q' },
      parameters: { p: 1 },
      question: 'q',
      rest: { outputs: 'o' },
    });
  });

  it('a field by its name, never the input of that name', async () => {
    const route = bind({ session_id: sessionId, tenant: TENANT, inputs: true }, (bound) => bound);
    const { app } = envelopeApp(express(), route, { fields: [sessionId, TENANT] });
    const inputs = { tenant: 'not the tenant' };
    const { body } = await post(app, { session_id: 's-1', tenant: 't-1', inputs });
    expect(body.data.outputs).toEqual({ session_id: 's-1', tenant: 't-1', inputs });
    const absent = await post(app, { inputs });
    expect(absent.body.data.outputs).toEqual({ inputs });
  });

  it('no field that agentEnvelope() does not know: a 500, not the input of that name', async () => {
    const app = appOf(bind({ tenant: TENANT }, ({ tenant }) => tenant));
    const { status, body } = await post(app, { inputs: { tenant: 't-1' } });
    expect([status, body.code]).toEqual([500, 'MIDDLEWARE_MISSING']);
  });

  it('no `outputs` for a schema of the outputs, and the ones of the request for `true`', async () => {
    const body = { outputs: 'sent' };
    const checked = appOf(bind({ outputs: {} }, (bound) => Object.keys(bound)));
    expect((await post(checked, body)).body.data.outputs).toEqual([]);
    const bound = appOf(bind({ outputs: true }, ({ outputs }) => outputs));
    expect((await post(bound, body)).body.data.outputs).toBe('sent');
  });

  it('in `...rest` the outputs of the request, although the route checks its own', async () => {
    const app = appOf(bind({ inputs: true, outputs: {}, '...rest': true }, ({ rest }) => rest));
    const { body } = await post(app, { outputs: 'sent', parameters: { p: 1 } });
    expect(body.data.outputs).toEqual({ outputs: 'sent', parameters: { p: 1 } });
  });

  it('the very objects of the body: validation copies nothing', async () => {
    let same: unknown;
    const app = appOf(
      bind({ inputs: QUESTION }, ({ inputs }, { req }) => {
        same = inputs === req.body.inputs;
        return null;
      }),
    );
    await post(app, { inputs: { question: 'q' } }).expect(200);
    expect(same).toBe(true);
  });
});

describe('inputs and parameters that do not fit are a 422', () => {
  const app = appOf(bind({ inputs: QUESTION, parameters: TEMPERATURE }, () => 'ran'));
  const good = { inputs: { question: 'q' }, parameters: { temperature: 1 } };

  it('and those that fit reach the handler', async () => {
    const { body } = await post(app, good).expect(200);
    expect(body.data.outputs).toBe('ran');
  });

  it.each<[string, object, string[]]>([
    [
      'a wrong input, nested',
      { data: { ...good, inputs: { question: 7 } } },
      ['/data/inputs/question'],
    ],
    ['a wrong input, flat', { ...good, inputs: { question: 7 } }, ['/inputs/question']],
    ['a missing input, nested', { data: { ...good, inputs: {} } }, ['/data/inputs/question']],
    ['a missing input, flat', { ...good, inputs: {} }, ['/inputs/question']],
    ['absent inputs', { parameters: { temperature: 1 } }, ['/inputs/question']],
    ['null inputs, nested', { data: { ...good, inputs: null } }, ['/data/inputs/question']],
    ['an unknown input', { ...good, inputs: { question: 'q', 'a/b~c': 1 } }, ['/inputs/a~1b~0c']],
    [
      'a wrong parameter',
      { ...good, parameters: { temperature: 'x' } },
      ['/parameters/temperature'],
    ],
    [
      'absent parameters',
      { data: { inputs: { question: 'q' } } },
      ['/data/parameters/temperature'],
    ],
    ['both', {}, ['/inputs/question', '/parameters/temperature']],
    ['an inherited member', { ...good, inputs: { toString: 'q' } }, ['/inputs/question']],
  ])('for %s', async (_what, sent, expected) => {
    const { status, body } = await post(app, { session_id: 's-1', ...sent });
    expect(status).toBe(422);
    expect(body).toMatchObject({ code: 'INVALID_INPUT', status: 422, session_id: 's-1' });
    expect(pointers(body)).toEqual(expected);
  });

  it('which says what is wrong with a missing and with an unknown member', async () => {
    const missing = await post(app, { ...good, inputs: {} });
    expect(missing.body.errors[0].detail).toBe('is required');
    const unknown = await post(app, { ...good, inputs: { question: 'q', extra: 1 } });
    expect(unknown.body.errors[0].detail).toBe('is not a known member');
  });

  it('before the handler runs', async () => {
    let runs = 0;
    const counted = appOf(bind({ inputs: QUESTION }, () => ++runs));
    await post(counted, {}).expect(422);
    expect(runs).toBe(0);
    await post(counted, { inputs: { question: 'q' } }).expect(200);
    expect(runs).toBe(1);
  });

  it.each([
    { inputs: { question: 'S3CRET-value-that-is-too-long' } },
    { inputs: { question: ['S3CRET'] } },
    { inputs: { question: 'q', top: 'S3CRET' } },
    { data: { inputs: { question: 'q' }, parameters: { temperature: 'S3CRET' } } },
  ])('which never repeats a submitted value: %j', async (sent) => {
    const { status, text, headers } = await post(app, sent);
    expect(status).toBe(422);
    expect(text + JSON.stringify(headers)).not.toContain('S3CRET');
  });

  it('even where a body is empty: an own member is asked for, not an inherited one', async () => {
    const inherited = appOf(
      bind(
        {
          inputs: {
            type: 'object',
            properties: { constructor: {}, toString: {} },
            required: ['constructor', 'toString'],
          },
        },
        () => null,
      ),
    );
    const { status, body } = await post(inherited, { inputs: {} });
    expect(status).toBe(422);
    expect(pointers(body)).toEqual(['/inputs/constructor']);
  });
});

describe('validation leaves the body as it is', () => {
  const SCHEMA = {
    type: 'object',
    properties: {
      count: { type: 'number' },
      color: { type: 'string', default: 'red' },
      nested: { type: 'object', properties: { x: { default: 1 } } },
    },
  } as const;

  it('no default is filled in', async () => {
    let seen: unknown;
    const app = appOf(
      bind({ inputs: SCHEMA, parameters: SCHEMA }, (_bound, { req }) => {
        seen = structuredClone(req.body);
        return null;
      }),
    );
    await post(app, { inputs: { count: 1, nested: {} } }).expect(200);
    expect(seen).toStrictEqual({ inputs: { count: 1, nested: {} } });
  });

  it('no value is coerced: a numeric string is no number', async () => {
    const app = appOf(bind({ inputs: SCHEMA }, () => null));
    await post(app, { inputs: { count: '1' } }).expect(422);
  });

  it('no member is removed, and none is frozen', async () => {
    let seen: unknown;
    const app = appOf(
      bind({ inputs: SCHEMA }, ({ inputs }, { req }) => {
        seen = [req.body, Object.isFrozen(req.body.inputs), Object.isFrozen(inputs)];
        return null;
      }),
    );
    const sent = { session_id: 's-1', version: 2, inputs: { extra: [1] }, parameters: null };
    await post(app, sent).expect(200);
    expect(seen).toEqual([sent, false, false]);
  });

  it('after a refusal, too', async () => {
    const app = express();
    let seen: unknown;
    app.use(agentEnvelope());
    app.post(
      '/',
      bind({ inputs: { type: 'object', properties: { n: { type: 'number' } } } }, () => null),
    );
    const keepBody: express.ErrorRequestHandler = (_error, req, res, _next) => {
      seen = req.body;
      res.status(422).end();
    };
    app.use(keepBody);
    await post(app, { inputs: { n: '1' } }).expect(422);
    expect(seen).toStrictEqual({ inputs: { n: '1' } });
  });
});

describe('outputs that do not fit are a 500', () => {
  const ANSWER = {
    type: 'object',
    properties: { answer: { type: 'string' } },
    required: ['answer'],
  } as const;

  /** A handler whose output only the run time can check. */
  const answering = (produce: () => unknown) =>
    appOf(bind({ outputs: ANSWER }, () => produce() as { answer: string }));

  it('and those that fit are sent', async () => {
    const { body } = await post(
      answering(() => ({ answer: 'a' })),
      {},
    ).expect(200);
    expect(body.data.outputs).toEqual({ answer: 'a' });
  });

  it('for a value, without repeating it', async () => {
    const app = answering(() => ({ answer: 7, secret: 'S3CRET' }));
    const { status, body, text } = await post(app, { session_id: 's-1' });
    expect(status).toBe(500);
    expect(body).toMatchObject({ code: 'INVALID_OUTPUT', session_id: 's-1' });
    expect(pointers(body)).toEqual(['/data/outputs/answer']);
    expect(text).not.toContain('S3CRET');
  });

  it.each([null, 0, '', false])('for %p, which is a value like any other', async (value) => {
    await post(
      answering(() => value),
      {},
    ).expect(500);
  });

  it('for the first item of a stream', async () => {
    const app = answering(async function* () {
      yield { answer: 7 };
    });
    const { status, body } = await post(app, {}).set('accept', NDJSON);
    expect(status).toBe(500);
    expect(body.code).toBe('INVALID_OUTPUT');
  });

  it('in band for a later item of a stream', async () => {
    const app = answering(async function* () {
      yield { answer: 'a' };
      yield { answer: 7, secret: 'S3CRET' };
      yield { answer: 'never sent' };
    });
    const { status, text } = await post(app, {}).set('accept', SSE);
    expect(status).toBe(200);
    const [first, error, ...more] = text.split('\n\n');
    expect(first).toBe('data: {"answer":"a"}');
    expect(error).toMatch(/^event: error\ndata: \{.*"code":"INVALID_OUTPUT"/);
    expect(more).toEqual(['']);
    expect(text).not.toContain('S3CRET');
  });

  it('for the outputs of a run', async () => {
    const outputs = Type.Object({ output: Type.String() });
    const answer = (output: unknown) =>
      appOf(
        bind({ outputs }, () => {
          const run = {
            result: Promise.resolve({ sessionId: 's', output, messages: [] }),
            async *[Symbol.asyncIterator]() {
              yield { type: 'run.start' };
            },
          };
          return brandRun(run as unknown as AgentRun);
        }),
      );
    const good = await post(answer('a'), {}).expect(200);
    expect(good.body.data.outputs.output).toBe('a');
    const bad = await post(answer(7), {}).expect(500);
    expect(bad.body.code).toBe('INVALID_OUTPUT');
  });

  it('but nothing is checked when the handler answers by itself', async () => {
    const app = appOf(bind({ outputs: ANSWER }, (_bound, { res }) => res.json('mine')));
    const { body } = await post(app, {}).expect(200);
    expect(body).toBe('mine');
  });
});

describe('schemas', () => {
  it('are compiled when the route is declared, and never looked at again', async () => {
    let reads = 0;
    const counted = <T extends object>(schema: T): T =>
      new Proxy(schema, {
        get(target, name) {
          reads += 1;
          return Reflect.get(target, name);
        },
        ownKeys(target) {
          reads += 1;
          return Reflect.ownKeys(target);
        },
      });
    const object = { type: 'object', properties: { x: {} }, required: ['x'] };
    const handler = bind(
      { inputs: counted(object), parameters: counted(object), outputs: counted({}) },
      () => null,
    );
    expect(reads).toBeGreaterThan(0);
    reads = 0;
    const app = appOf(handler);
    await post(app, { inputs: { x: 1 }, parameters: { x: 1 } }).expect(200);
    await post(app, {}).expect(422);
    expect(reads).toBe(0);
  });

  it('that change after the declaration change nothing', async () => {
    const schema = { type: 'object', properties: { x: {} }, required: ['x'] };
    const declaration: Record<string, true | object> = { inputs: schema };
    const app = appOf(bind(declaration, (bound) => Object.keys(bound)));
    schema.required = [];
    declaration.session_id = true;
    await post(app, { inputs: {} }).expect(422);
    const { body } = await post(app, { inputs: { x: 1 } }).expect(200);
    expect(body.data.outputs).toEqual(['inputs']);
  });

  it('are not changed by compiling', () => {
    const schema = structuredClone(QUESTION);
    compilePlan({ inputs: schema, parameters: schema, outputs: schema });
    expect(schema).toStrictEqual(QUESTION);
    expect(() => compilePlan({ inputs: deepFreeze(structuredClone(QUESTION)) })).not.toThrow();
  });

  it('of draft-07 are read as such, with or without `$schema`', async () => {
    // An array of `items` is a tuple there.
    const tuple = { properties: { pair: { type: 'array', items: [{ type: 'number' }] } } };
    for (const $schema of [undefined, 'http://json-schema.org/draft-07/schema#']) {
      const inputs = $schema === undefined ? tuple : { $schema, ...tuple };
      const app = appOf(bind({ inputs }, () => null));
      await post(app, { inputs: { pair: [1, 'x'] } }).expect(200);
      const { status, body } = await post(app, { inputs: { pair: ['x'] } });
      expect([status, pointers(body)]).toEqual([422, ['/inputs/pair/0']]);
    }
  });

  it('of 2020-12 are read as such where `$schema` says so', async () => {
    const inputs = {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      properties: { pair: { type: 'array', prefixItems: [{ type: 'number' }] } },
      unevaluatedProperties: false,
    };
    const app = appOf(bind({ inputs }, () => null));
    await post(app, { inputs: { pair: [1, 'x'] } }).expect(200);
    const wrong = await post(app, { inputs: { pair: ['x'] } });
    expect([wrong.status, pointers(wrong.body)]).toEqual([422, ['/inputs/pair/0']]);
    const unknown = await post(app, { inputs: { extra: 1 } });
    expect([unknown.status, pointers(unknown.body)]).toEqual([422, ['/inputs/extra']]);
  });

  it('may have the same `$id` on two routes, as one object or as two different ones', async () => {
    for (const $schema of [
      'http://json-schema.org/draft-07/schema#',
      'https://json-schema.org/draft/2020-12/schema',
    ]) {
      const named = (name: string) => ({
        $schema,
        $id: 'https://example.com/inputs.json',
        type: 'object',
        properties: { [name]: {} },
        required: [name],
      });
      const shared = named('a');
      const first = appOf(bind({ inputs: shared, parameters: shared }, () => null));
      const second = appOf(bind({ inputs: shared }, () => null));
      const third = appOf(bind({ inputs: named('b') }, () => null));
      await post(first, { inputs: { a: 1 }, parameters: { a: 1 } }).expect(200);
      await post(second, { inputs: { a: 1 } }).expect(200);
      await post(third, { inputs: { b: 1 } }).expect(200);
      await post(third, { inputs: { a: 1 } }).expect(422);
      await post(first, { inputs: { b: 1 }, parameters: { a: 1 } }).expect(422);
    }
  });

  it('may require a member that they say nothing else about', async () => {
    const inputs = { type: 'object', anyOf: [{ required: ['url'] }, { required: ['text'] }] };
    const app = appOf(bind({ inputs }, () => null));
    await post(app, { inputs: { url: 'u' } }).expect(200);
    await post(app, { inputs: {} }).expect(422);
  });

  it('may refer to themselves', async () => {
    const inputs = {
      $id: 'urn:example:tree',
      definitions: {
        node: {
          type: 'object',
          properties: { next: { $ref: '#/definitions/node' }, name: { type: 'string' } },
        },
      },
      type: 'object',
      properties: { tree: { $ref: '#/definitions/node' } },
    };
    const app = appOf(bind({ inputs }, () => null));
    await post(app, { inputs: { tree: { next: { next: { name: 'leaf' } } } } }).expect(200);
    const { status, body } = await post(app, { inputs: { tree: { next: { name: 7 } } } });
    expect([status, pointers(body)]).toEqual([422, ['/inputs/tree/next/name']]);
  });

  it('may come from TypeBox', async () => {
    const app = appOf(
      bind(
        {
          inputs: Type.Object({
            question: Type.String({ minLength: 1 }),
            tags: Type.Optional(Type.Array(Type.Union([Type.Literal('a'), Type.Literal('b')]))),
          }),
          outputs: Type.Object({ length: Type.Integer() }),
        },
        ({ inputs }) => ({ length: inputs.question.length }),
      ),
    );
    const { body } = await post(app, { inputs: { question: 'four', tags: ['a'] } }).expect(200);
    expect(body.data.outputs).toEqual({ length: 4 });
    const refused = await post(app, { inputs: { question: '', tags: ['a'] } });
    expect([refused.status, pointers(refused.body)]).toEqual([422, ['/inputs/question']]);
  });
});

describe('errors of two requests', () => {
  it('never mix, although ajv keeps one list of errors per validator', async () => {
    const app = appOf(bind({ inputs: QUESTION, parameters: QUESTION }, () => null));
    const [first, second] = await Promise.all([
      post(app, { inputs: { question: 1 }, parameters: {} }),
      post(app, { inputs: { question: 'q', x: 1 }, parameters: { question: 'q' } }),
    ]);
    expect(pointers(first.body)).toEqual(['/inputs/question', '/parameters/question']);
    expect(pointers(second.body)).toEqual(['/inputs/x']);
  });
});

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(value).forEach(deepFreeze);
  return Object.freeze(value);
}

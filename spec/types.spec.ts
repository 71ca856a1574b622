/**
 * Most of these specs are checked by the compiler (`npm run types`): a wrong type is a compile error, and a
 * `@ts-expect-error` that expects none is one, too. Each also runs what it declares.
 */
import type { LogRecordProcessor } from '@opentelemetry/sdk-logs';
import type { SpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import express, { type Request, type RequestHandler, type Response } from 'express';
import { Type } from 'typebox';
import { z } from 'zod';
import {
  type AgentEnvelopeOptions,
  agentEnvelope,
  type Bound,
  bind,
  type Declaration,
  type DeclaredBound,
  type DeclaredOutput,
  type Envelope,
  EnvelopeError,
  type EnvelopeField,
  type EnvelopeLocals,
  type ErrorCode,
  envelopeField,
  type JsonObject,
  problemDetails,
  resolveRunSessionId,
  SessionLogRecordProcessor,
  SessionSpanProcessor,
  sessionId,
  withSessionId,
} from '../lib/index.js';
import type { StrictDeclaration } from '../lib/request/declaration.js';
import { compileSchema } from '../lib/shared/schema.js';
import type { SchemaValue } from '../lib/shared/schema-types.js';
import { envelopeApp, post } from './helpers.js';

type Equal<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Compiles only when `Expected` is exactly the type of `value`; hands the value on. */
function typed<Expected>() {
  return <Actual>(
    value: Actual,
    ..._proof: Equal<Actual, Expected> extends true ? [] : ['the types differ', Actual, Expected]
  ): Actual => value;
}

/** What the bound handler answers to `body`. */
async function outputsOf(route: RequestHandler, body: object): Promise<unknown> {
  const reply = await post(envelopeApp(express(), route).app, body);
  return reply.body.data?.outputs ?? reply.body.code;
}

const BODY = {
  session_id: 's-1',
  inputs: { question: 'q', top: 3, tags: ['a'] },
  outputs: 'o',
  parameters: { temperature: 0.5 },
};

describe('the list form', () => {
  it('types what each name binds', async () => {
    const route = bind(
      ['request', 'session_id', 'inputs', 'outputs', 'parameters', 'question'],
      (bound, io) => {
        typed<Envelope>()(bound.request);
        typed<string | undefined>()(bound.session_id);
        typed<JsonObject>()(bound.inputs);
        typed<unknown>()(bound.outputs);
        typed<JsonObject>()(bound.parameters);
        typed<unknown>()(bound.question);
        typed<Request>()(io.req);
        typed<Response>()(io.res);
        typed<AbortSignal>()(io.signal);
        return [bound.session_id, bound.question];
      },
    );
    expect(await outputsOf(route, BODY)).toEqual(['s-1', 'q']);
  });

  it('knows nothing that was not asked for', async () => {
    const route = bind(['inputs'], (bound) => {
      // @ts-expect-error session_id was not asked for: the leak boundary holds for the compiler as well
      const leaked: unknown = bound.session_id;
      // @ts-expect-error parameters was not asked for
      return [leaked ?? null, bound.parameters ?? null];
    });
    expect(await outputsOf(route, BODY)).toEqual([null, null]);
  });

  it('types the rest as the data fields that were not asked for, under its own name', async () => {
    const route = bind(['inputs', '...others'], ({ others }) => {
      typed<JsonObject>()(others.parameters);
      typed<unknown>()(others.outputs);
      // @ts-expect-error inputs was asked for by name
      const taken: unknown = others.inputs;
      // @ts-expect-error an envelope field is never in the rest
      return [taken ?? null, others.session_id ?? null, others.outputs];
    });
    expect(await outputsOf(route, BODY)).toEqual([null, null, 'o']);
    type Rest = Bound<'...rest'>['rest'];
    typed<JsonObject>()({ inputs: {} } as { inputs: Rest['inputs'] }['inputs']);
  });

  it('gives the envelope read-only', async () => {
    const route = bind(['request'], ({ request: envelope }) => {
      typed<string | undefined>()(envelope.session_id);
      expect(() => {
        // @ts-expect-error the envelope is read-only
        envelope.session_id = 's-2';
      }).toThrow(TypeError);
      expect(() => {
        // @ts-expect-error and so is its data
        envelope.data.inputs = {};
      }).toThrow(TypeError);
      return envelope.session_id;
    });
    expect(await outputsOf(route, BODY)).toBe('s-1');
  });

  it('takes names that are known only at run time', async () => {
    const names: string[] = ['question'];
    const route = bind(names, (bound) => Object.values(bound));
    expect(await outputsOf(route, BODY)).toEqual(['q']);
  });

  it('refuses names that are no strings, and a handler that is no function', () => {
    // @ts-expect-error a number is no name
    expect(() => bind([7], () => null)).toThrow(TypeError);
    // @ts-expect-error a handler is a function
    expect(() => bind(['inputs'], 'handler')).toThrow(TypeError);
    // @ts-expect-error the handler is missing
    expect(() => bind(['inputs'])).toThrow(TypeError);
    // @ts-expect-error a single name is no list
    expect(() => bind('inputs', () => null)).toThrow(TypeError);
  });

  it('has the compiler tell of a wrong option, not of the list, in the last form of bind()', () => {
    const list: StrictDeclaration<readonly ['inputs']> = ['inputs'];
    const bound: DeclaredBound<typeof list> = { inputs: {} };
    expect(bound).toEqual({ inputs: {} });
    // @ts-expect-error a format is one of the two
    expect(() => bind(list, () => null, { stream: 'sse' })).toThrow(/stream/);
  });
});

describe('the declaration form', () => {
  it('infers from plain JSON Schema literals, without `as const` and without a cast', async () => {
    const route = bind(
      {
        session_id: true,
        question: true,
        inputs: {
          type: 'object',
          properties: {
            question: { type: 'string' },
            top: { type: 'integer' },
            tags: { type: 'array', items: { enum: ['a', 'b'] } },
          },
          required: ['question'],
        },
        parameters: {
          type: 'object',
          properties: { temperature: { type: 'number' } },
          required: ['temperature'],
        },
        outputs: {
          type: 'object',
          properties: { answer: { type: 'string' } },
          required: ['answer'],
        },
      },
      ({ session_id, question, inputs, parameters }) => {
        typed<string | undefined>()(session_id);
        typed<unknown>()(question);
        typed<string>()(inputs.question);
        typed<number | undefined>()(inputs.top);
        typed<number>()(parameters.temperature);
        const tag: 'a' | 'b' | undefined = inputs.tags?.[0];
        // @ts-expect-error a tag is one of the two
        const wrong: 'c' | undefined = inputs.tags?.[0];
        return { answer: [inputs.question, tag, wrong, parameters.temperature].join() };
      },
    );
    expect(await outputsOf(route, BODY)).toEqual({ answer: 'q,a,a,0.5' });
  });

  it('infers from a literal that was declared before, `as const`', async () => {
    const inputs = {
      type: 'object',
      properties: { question: { type: 'string' } },
      required: ['question'],
    } as const;
    const route = bind({ inputs }, (bound) => {
      typed<string>()(bound.inputs.question);
      // @ts-expect-error nothing but inputs was asked for
      return [bound.inputs.question.length, bound.session_id ?? null];
    });
    expect(await outputsOf(route, BODY)).toEqual([1, null]);
  });

  it('infers from TypeBox', async () => {
    const route = bind(
      {
        inputs: Type.Object({
          question: Type.String(),
          top: Type.Optional(Type.Integer()),
          tags: Type.Array(Type.Union([Type.Literal('a'), Type.Literal('b')])),
        }),
        parameters: Type.Object({ temperature: Type.Number() }),
        outputs: Type.Array(Type.String()),
      },
      ({ inputs, parameters }) => {
        typed<string>()(inputs.question);
        typed<number | undefined>()(inputs.top);
        typed<('a' | 'b')[]>()(inputs.tags);
        typed<number>()(parameters.temperature);
        // @ts-expect-error the schema does not know this input
        expect(inputs.missing).toBeUndefined();
        return [inputs.question, ...inputs.tags];
      },
    );
    expect(await outputsOf(route, BODY)).toEqual(['q', 'a']);
  });

  it('types names bound with `true` as the list form does', async () => {
    const route = bind(
      { request: true, inputs: true, outputs: true, parameters: true, session_id: true, x: true },
      (bound) => {
        typed<Envelope>()(bound.request);
        typed<JsonObject>()(bound.inputs);
        typed<unknown>()(bound.outputs);
        typed<JsonObject>()(bound.parameters);
        typed<string | undefined>()(bound.session_id);
        typed<unknown>()(bound.x);
        return Object.keys(bound).length;
      },
    );
    expect(await outputsOf(route, BODY)).toBe(6);
  });

  it('types the rest; an `outputs` schema asks for nothing', async () => {
    const route = bind({ inputs: true, outputs: Type.Unknown(), '...rest': true }, (bound) => {
      typed<JsonObject>()(bound.rest.parameters);
      typed<unknown>()(bound.rest.outputs);
      // @ts-expect-error inputs was asked for by name
      expect(bound.rest.inputs).toBeUndefined();
      // @ts-expect-error an `outputs` schema binds nothing
      expect(bound.outputs).toBeUndefined();
      return Object.keys(bound.rest);
    });
    expect(await outputsOf(route, BODY)).toEqual(['outputs', 'parameters']);
  });

  it('holds the handler to the outputs schema, however it answers', async () => {
    const outputs = Type.Object({ answer: Type.String() });
    const good = { answer: 'a' };
    const routes = [
      bind({ outputs }, () => good),
      bind({ outputs }, async () => good),
      bind({ outputs }, (_bound, { res }) => res.json({ data: { outputs: good } })),
      bind({ outputs }, (_bound, { res }) => {
        res.json({ data: { outputs: good } });
      }),
    ];
    for (const route of routes) expect(await outputsOf(route, BODY)).toEqual(good);
    bind({ outputs }, async function* () {
      yield good;
    });
    const wrong = [
      // @ts-expect-error a number is no answer
      bind({ outputs }, () => ({ answer: 7 })),
      // @ts-expect-error nor is it as a promise
      bind({ outputs }, async () => ({ answer: 7 })),
      // @ts-expect-error the answer is missing
      bind({ outputs }, () => ({})),
      // @ts-expect-error null is no answer
      bind({ outputs }, () => null),
    ];
    for (const route of wrong) expect(await outputsOf(route, BODY)).toBe('INVALID_OUTPUT');
    const items = async function* () {
      yield { answer: 7 };
    };
    // @ts-expect-error each item of a stream is held to the schema
    expect(await outputsOf(bind({ outputs }, items), BODY)).toBe('INVALID_OUTPUT');
  });

  it('takes a declaration that is known only at run time', async () => {
    const declaration: Declaration = { inputs: true };
    const route = bind(declaration, (bound) => Object.keys(bound));
    expect(await outputsOf(route, BODY)).toEqual(['inputs']);
  });

  it('refuses what is neither `true` nor a schema', () => {
    // @ts-expect-error false binds nothing: leave the name out
    expect(() => bind({ session_id: false }, () => null)).toThrow(TypeError);
    // @ts-expect-error only the data has schemas: the compiler says so
    expect(() => bind({ inputz: { type: 'object' } }, () => null)).toThrow(
      /^bind: inputz must be true or the field of that name: only inputs, outputs, parameters take a schema; did you mean inputs\?, got /,
    );
    // @ts-expect-error a string is no schema
    expect(() => bind({ inputs: 'object' }, () => null)).toThrow(TypeError);
    // @ts-expect-error null is no schema
    expect(() => bind({ inputs: null }, () => null)).toThrow(TypeError);
  });
});

describe('fields beside names', () => {
  const tenant = envelopeField({ name: 'tenant', schema: { enum: ['a', 'b'] } });
  const tier = envelopeField({ name: 'tier' });
  const fields = [sessionId, tenant, tier];

  it('are bound by their name, with the type of their schema, without a cast or `as const`', async () => {
    typed<EnvelopeField<'tenant', 'a' | 'b'>>()(tenant);
    typed<EnvelopeField<'tier', string | number | boolean>>()(tier);
    const app = express();
    app.use(agentEnvelope({ fields }));
    const route = bind([sessionId, tenant, tier, 'inputs', 'question', '...rest'], (bound) => {
      typed<string | undefined>()(bound.session_id);
      typed<'a' | 'b' | undefined>()(bound.tenant);
      typed<string | number | boolean | undefined>()(bound.tier);
      typed<JsonObject>()(bound.inputs);
      typed<unknown>()(bound.question);
      typed<JsonObject>()(bound.rest.parameters);
      // @ts-expect-error inputs was asked for by name
      return [bound.session_id, bound.tenant, bound.tier, bound.rest.inputs ?? null];
    });
    app.post('/', route);
    const { body } = await post(app, { ...BODY, tenant: 'a', tier: 7 });
    expect(body.data.outputs).toEqual(['s-1', 'a', 7, null]);
  });

  it('are typed by their schema in a declaration, beside schemas of the data', async () => {
    const app = express();
    app.use(agentEnvelope({ fields }));
    const inputs = z.object({ question: z.string() });
    const route = bind(
      { session_id: sessionId, tenant, tier, inputs, parameters: true, '...rest': true },
      (bound) => {
        typed<string | undefined>()(bound.session_id);
        typed<'a' | 'b' | undefined>()(bound.tenant);
        typed<string | number | boolean | undefined>()(bound.tier);
        typed<{ question: string }>()(bound.inputs);
        typed<JsonObject>()(bound.parameters);
        typed<unknown>()(bound.rest.outputs);
        // @ts-expect-error inputs was asked for by name
        return [bound.session_id, bound.tenant, bound.tier, bound.rest.inputs ?? null];
      },
    );
    app.post('/', route);
    const { body } = await post(app, { ...BODY, tenant: 'a', tier: 7 });
    expect(body.data.outputs).toEqual(['s-1', 'a', 7, null]);
  });

  it('are refused by the compiler under another name', () => {
    // @ts-expect-error the key is the name of the field
    expect(() => bind({ org: tenant }, () => null)).toThrow(TypeError);
  });

  it('are refused where they are written', () => {
    // @ts-expect-error a field has a name
    expect(() => envelopeField({})).toThrow(TypeError);
    // @ts-expect-error a field has no such property
    expect(() => envelopeField({ name: 'a', attr: 'b' })).toThrow(TypeError);
    // @ts-expect-error a schema is an object
    expect(() => envelopeField({ name: 'a', schema: 'string' })).toThrow(TypeError);
    // @ts-expect-error a Standard Schema is for inputs, parameters and outputs
    expect(() => envelopeField({ name: 'a', schema: z.string() })).toThrow(TypeError);
    const text = { name: 'a', schema: z.string() };
    // @ts-expect-error nor in the list of the middleware
    expect(() => agentEnvelope({ fields: [sessionId, text] })).toThrow(TypeError);
  });

  it('take any object that is a JSON Schema', () => {
    interface Text {
      readonly type: 'string';
      readonly maxLength: number;
    }
    const text: Text = { type: 'string', maxLength: 64 };
    const schemas: object[] = [text, Type.String(), { type: 'string' }];
    for (const [i, schema] of schemas.entries()) envelopeField({ name: `f${i}`, schema });
    envelopeField({ name: 'a', schema: text });
    envelopeField({ name: 'a', schema: Type.String() });
    agentEnvelope({ fields: [sessionId, { name: 'a', schema: { type: 'string' } }] });
    agentEnvelope({ fields: [sessionId, { name: 'a', schema: text }] });
  });
});

describe('the type of a JSON Schema', () => {
  /** Compiles only when the schema's values have the type `Input` for a handler, and `Output` where it makes them. */
  const infers =
    <const S extends object>(schema: S) =>
    <Input, Output = Input>(
      ..._proof: Equal<SchemaValue<S>, Input> extends true
        ? Equal<SchemaValue<S, 'output'>, Output> extends true
          ? []
          : ['the outputs differ', SchemaValue<S, 'output'>]
        : ['the inputs differ', SchemaValue<S>]
    ) =>
      compileSchema(schema, 'schema');

  it('follows the keywords that people write, each of them a schema that compiles', () => {
    infers({ type: 'string' })<string>();
    infers({ type: ['string', 'null'] })<string | null>();
    infers({ type: 'integer', nullable: true })<number | null>();
    infers({ const: 'a' })<'a'>();
    infers({ enum: ['a', 1, null, true] })<'a' | 1 | null | true>();
    infers({ anyOf: [{ type: 'string' }, { type: 'number' }] })<string | number>();
    infers({ oneOf: [{ type: 'boolean' }, { type: 'null' }] })<boolean | null>();
    infers({ $ref: '#/definitions/a', definitions: { a: { type: 'string' } } })<unknown>();
    infers({ not: { type: 'string' } })<unknown>();
    infers({})<unknown>();
  });

  it('follows objects', () => {
    infers({ type: 'object' })<JsonObject, object>();
    infers({ type: 'object', properties: {} })<JsonObject, object>();
    infers({ required: ['a'] })<{ a: unknown }>();
    infers({
      type: 'object',
      properties: { a: { type: 'string' }, b: { type: 'null' } },
      required: ['a', 'c'],
    })<{ a: string; c: unknown; b?: null }, { a: string; c: unknown; b?: null | undefined }>();
    infers({ type: 'object', additionalProperties: { type: 'number' } })<{
      [name: string]: number;
    }>();
    infers({ type: 'object', patternProperties: { '^x-': { type: 'number' } } })<{
      [name: string]: number;
    }>();
    infers({
      type: 'object',
      properties: { a: { type: 'string' } },
      required: ['a'],
      additionalProperties: { type: 'number' },
    })<{ [name: string]: string | number | undefined; a: string }>();
    infers({
      type: 'object',
      properties: { a: { type: 'string' } },
      required: ['a'],
      additionalProperties: false,
    })<{ a: string }>();
    infers({
      type: 'object',
      allOf: [
        { properties: { a: { type: 'string' } }, required: ['a'] },
        { properties: { b: { const: 1 } }, required: ['b'] },
      ],
    })<{ [name: string]: unknown; a: string; b: 1 }, { a: string; b: 1 }>();
  });

  it('follows lists and tuples; what a handler makes may be read-only', () => {
    infers({ type: 'array' })<unknown[], readonly unknown[]>();
    infers({ type: 'array', items: { type: 'string' } })<string[], readonly string[]>();
    infers({
      type: 'array',
      items: [{ type: 'string' }, { type: 'number' }],
      minItems: 1,
      additionalItems: false,
    })<[string, number?]>();
    infers({ type: 'array', items: [{ type: 'string' }], minItems: 1 })<[string, ...unknown[]]>();
    infers({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'array',
      prefixItems: [{ type: 'string' }],
      minItems: 1,
      items: { type: 'null' },
    })<[string, ...null[]]>();
    infers({ type: 'array', items: [{ type: 'string' }], minItems: 1, maxItems: 1 })<[string]>();
  });

  it('follows TypeBox', () => {
    infers(Type.Tuple([Type.String(), Type.Number()]))<[string, number]>();
    infers(Type.Record(Type.String(), Type.Number()))<{ [name: string]: number }>();
    infers(Type.Intersect([Type.Object({ a: Type.String() }), Type.Object({ b: Type.Null() })]))<{
      a: string;
      b: null;
    }>();
    infers(Type.Partial(Type.Object({ a: Type.String() })))<
      { a?: string },
      { a?: string | undefined }
    >();
    infers(Type.Enum(['a', 'b']))<'a' | 'b'>();
    infers(Type.Unsafe<'x'>({ type: 'string' }))<'x'>();
    infers(Type.Object({}))<JsonObject, object>();
  });

  it('of a schema that was declared before without `as const` has the members, not their types', async () => {
    const inputs = {
      type: 'object',
      properties: { question: { type: 'string' } },
      required: ['question'],
    };
    const route = bind({ inputs }, (bound) => {
      typed<unknown>()(bound.inputs.question);
      // @ts-expect-error the compiler knows the names
      return [bound.inputs.question, bound.inputs.answer ?? null];
    });
    expect(await outputsOf(route, BODY)).toEqual(['q', null]);
  });

  it('of an output takes what JSON makes of it: a member that is undefined, a read-only list', async () => {
    interface Answer {
      readonly text: string;
      readonly tags: readonly string[];
    }
    const answer: Answer = { text: 't', tags: ['a'] };
    const outputs = {
      type: 'object',
      properties: { text: { type: 'string' }, tags: { type: 'array', items: { type: 'string' } } },
      required: ['text'],
      additionalProperties: true,
    } as const;
    const maybe = answer.tags.length > 1 ? answer.tags : undefined;
    expect(
      await outputsOf(
        bind({ outputs }, () => answer),
        BODY,
      ),
    ).toEqual(answer);
    const missing = bind({ outputs }, () => ({ text: 't', tags: maybe }));
    expect(await outputsOf(missing, BODY)).toEqual({ text: 't' });
  });

  it('of a Standard Schema is its output for the handler, and its input for what the handler makes', () => {
    type Schema = StandardSchemaV1<{ n: string }, { n: number }>;
    typed<{ n: number }>()({} as SchemaValue<Schema>);
    typed<{ n: string }>()({} as SchemaValue<Schema, 'output'>);
    typed<{ inputs: { n: number } }>()({} as DeclaredBound<{ inputs: Schema; outputs: Schema }>);
    typed<{ n: string }>()({} as DeclaredOutput<{ outputs: Schema }>);
  });
});

describe('in an Express app', () => {
  it('a bound handler mounts wherever a handler does, after path parameters and other handlers', async () => {
    const app = express();
    const router = express.Router();
    const typedParams: RequestHandler<{ agent: string }> = (req, _res, next) => {
      typed<string>()(req.params.agent);
      next();
    };
    const bound = bind(['session_id'], ({ session_id }, { req }) => [session_id, req.params.agent]);
    app.post('/a/:agent', agentEnvelope(), bound);
    app.post('/b/:agent', agentEnvelope(), typedParams, bound);
    app.post('/c/:agent', [agentEnvelope(), bound]);
    app.post<{ agent: string }>('/d/:agent', agentEnvelope(), bound);
    app.route('/e/:agent').post(agentEnvelope(), bound);
    router.post('/:agent', bound);
    app.use('/f', agentEnvelope(), router);
    app.all('/g/:agent', agentEnvelope(), bound, problemDetails());
    for (const path of 'abcdefg') {
      const { body } = await post(app, { session_id: 's-1' }, `/${path}/agent-1`);
      expect([path, body.data?.outputs]).toEqual([path, ['s-1', 'agent-1']]);
    }
  });

  it('`res.locals` is typed after agentEnvelope() in the same call', async () => {
    const app = express();
    app.post('/', agentEnvelope(), (req, res) => {
      typed<string | undefined>()(res.locals.session_id);
      typed<JsonObject | undefined>()(res.locals.inputs);
      typed<JsonObject | undefined>()(res.locals.parameters);
      typed<unknown>()(res.locals.outputs);
      typed<unknown>()(res.locals.tenant);
      // @ts-expect-error the id is a string
      const wrong: number | undefined = res.locals.session_id;
      res.json([req.body.session_id, wrong]);
    });
    const { body } = await post(app, BODY);
    expect(body).toEqual(['s-1', 's-1']);
  });

  it('`res.locals` can be typed by name where agentEnvelope() is mounted elsewhere', async () => {
    const handler: RequestHandler<object, unknown, unknown, object, EnvelopeLocals> = (
      _req,
      res,
    ) => {
      typed<string | undefined>()(res.locals.session_id);
      res.json(res.locals.session_id);
    };
    const app = express();
    app.use(agentEnvelope());
    app.post('/', handler);
    const { body } = await post(app, BODY);
    expect(body).toBe('s-1');
  });
});

describe('the options', () => {
  it('are refused by the compiler where the run time refuses them', () => {
    // @ts-expect-error a misspelt option
    expect(() => agentEnvelope({ field: [sessionId] })).toThrow(TypeError);
    // @ts-expect-error fields is a list
    expect(() => agentEnvelope({ fields: 'session_id' })).toThrow(TypeError);
    // @ts-expect-error an entry is a name or a field
    expect(() => agentEnvelope({ fields: [sessionId, 7] })).toThrow(TypeError);
    // @ts-expect-error a field has a name
    expect(() => agentEnvelope({ fields: [sessionId, {}] })).toThrow(TypeError);
    // @ts-expect-error a field has no such property
    expect(() => agentEnvelope({ fields: [sessionId, { name: 'a', attr: 'b' }] })).toThrow(
      TypeError,
    );
    // @ts-expect-error an attribute is a name
    expect(() => agentEnvelope({ fields: [sessionId, { name: 'a', attribute: 7 }] })).toThrow(
      TypeError,
    );
    // @ts-expect-error a schema is an object
    expect(() => agentEnvelope({ fields: [sessionId, { name: 'a', schema: 'string' }] })).toThrow(
      TypeError,
    );
    // @ts-expect-error a limit is a number or a string
    expect(() => agentEnvelope({ limit: true })).toThrow(TypeError);
    // @ts-expect-error null is no limit
    expect(() => agentEnvelope({ limit: null })).toThrow(TypeError);
    // @ts-expect-error there are three policies
    expect(() => agentEnvelope({ absentSession: 'create' })).toThrow(TypeError);
    // @ts-expect-error authorize is a function
    expect(() => agentEnvelope({ authorize: true })).toThrow(TypeError);
    // @ts-expect-error a header has a name, or there is none
    expect(() => agentEnvelope({ responseHeader: true })).toThrow(TypeError);
    // @ts-expect-error baggage is on or off
    expect(() => agentEnvelope({ baggage: 'on' })).toThrow(TypeError);
    // @ts-expect-error options are an object
    expect(() => agentEnvelope(null)).toThrow(TypeError);
    // @ts-expect-error options are not a list
    expect(() => agentEnvelope([sessionId])).toThrow(TypeError);
  });

  it('may be undefined one by one, and read-only', () => {
    const options: AgentEnvelopeOptions = Object.freeze({
      fields: Object.freeze([sessionId, 'tenant', { name: 'tier', schema: undefined }] as const),
      limit: undefined,
      absentSession: undefined,
      authorize: undefined,
      responseHeader: undefined,
      baggage: undefined,
    });
    expect(agentEnvelope(options)).toBeInstanceOf(Function);
    expect(agentEnvelope({ authorize: (id, req) => id === req.get('x-user') })).toBeInstanceOf(
      Function,
    );
    expect(agentEnvelope({ authorize: async (id) => id !== '' })).toBeInstanceOf(Function);
  });
});

describe('the other exports', () => {
  it('SessionSpanProcessor is a SpanProcessor of the SDK', async () => {
    const processor: SpanProcessor = new SessionSpanProcessor();
    await expect(processor.forceFlush()).resolves.toBeUndefined();
    await expect(processor.shutdown()).resolves.toBeUndefined();
  });

  it('SessionLogRecordProcessor is a LogRecordProcessor of the SDK', async () => {
    const processor: LogRecordProcessor = new SessionLogRecordProcessor();
    await expect(processor.forceFlush()).resolves.toBeUndefined();
    await expect(processor.shutdown()).resolves.toBeUndefined();
  });

  it('resolveRunSessionId takes what may carry an id, and gives a string', () => {
    typed<string>()(resolveRunSessionId({}, 'own'));
    expect(resolveRunSessionId({ sessionId: null }, 'own')).toBe('own');
    expect(resolveRunSessionId({ sessionId: undefined }, 'own')).toBe('own');
    // @ts-expect-error a number is no id
    expect(resolveRunSessionId({ sessionId: 7 }, 'own')).toBe('own');
  });

  it('withSessionId gives what its function gives', async () => {
    expect(typed<number>()(withSessionId('s-1', () => 7))).toBe(7);
    const promised = typed<Promise<string>>()(withSessionId('s-1', async () => 'later'));
    expect(await promised).toBe('later');
  });

  it('EnvelopeError knows its codes', () => {
    const { code, status } = new EnvelopeError('INVALID_FIELD', 'text');
    typed<ErrorCode>()(code);
    typed<number>()(status);
    expect([code, status]).toEqual(['INVALID_FIELD', 400]);
    // @ts-expect-error not a code of the catalogue
    expect(() => new EnvelopeError('NO_SUCH_CODE', 'text')).toThrow();
  });
});

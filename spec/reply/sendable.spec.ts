import { Readable, Stream, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import express from 'express';
import request from 'supertest';
import { run } from '../../lib/engines/index.js';
import { bind, EnvelopeError } from '../../lib/index.js';
import { smallEngine } from '../engines/small-engine.js';
import { envelopeApp, JSON_TYPE, NDJSON, SSE } from '../helpers.js';

/** The reply to an empty envelope of a route that gives `output`, and what came to its error handlers. */
async function replyTo(output: () => unknown, accept = '*/*', body: string | object = {}) {
  const { app, errors } = envelopeApp(
    express(),
    bind([], () => output()),
  );
  const reply = await request(app)
    .post('/')
    .set({ 'content-type': JSON_TYPE, accept })
    .buffer(true)
    .parse((res, done) => {
      let text = '';
      res.on('data', (chunk) => {
        text += chunk;
      });
      res.on('end', () => done(null, text));
    })
    .send(body);
  return { status: reply.status, headers: reply.headers, text: String(reply.body), errors };
}

class Silent {
  toJSON() {
    return undefined;
  }
}

function* numbers() {
  yield 1;
}

async function* items(...values: unknown[]) {
  for (const value of values) yield value;
}

const throwing = new Proxy(
  {},
  Object.fromEntries(
    Reflect.ownKeys(Reflect).map((trap) => [
      trap,
      () => {
        throw new Error('trap');
      },
    ]),
  ),
);

const UNSENDABLE: [kind: string, make: () => unknown, named: RegExp][] = [
  ['a Map', () => new Map([['a', 1]]), /a Map.*Object\.fromEntries/],
  ['a Set', () => new Set([1]), /a Set.*\[\.\.\.set\]/],
  ['an Error', () => new Error('private'), /an Error.*throw it/],
  [
    'an error that can write itself',
    () => Object.assign(new Error('private'), { toJSON: () => ({}) }),
    /an Error/,
  ],
  ['a DOMException', () => new DOMException('private'), /an Error/],
  ['a generator', () => numbers(), /an iterable.*\[\.\.\.iterable\]/],
  ['an iterator', () => [1][Symbol.iterator](), /an iterable/],
  ['URLSearchParams', () => new URLSearchParams('a=1'), /an iterable/],
  ['Headers', () => new Headers({ a: '1' }), /an iterable/],
  ['FormData', () => new FormData(), /an iterable/],
  ['a Buffer', () => Buffer.from('private'), /bytes.*through res/],
  ['a Uint8Array', () => new Uint8Array(2), /bytes/],
  ['a Float64Array', () => new Float64Array(2), /bytes/],
  ['a DataView', () => new DataView(new ArrayBuffer(2)), /bytes/],
  ['an ArrayBuffer', () => new ArrayBuffer(2), /bytes/],
  ['a BigInt', () => 1n, /a BigInt.*return a string/],
  ['a function', () => () => 'private', /a function.*call it/],
  ['a class', () => Silent, /a function/],
  ['a symbol', () => Symbol('private'), /a symbol/],
  ['an object whose toJSON gives nothing', () => new Silent(), /toJSON\(\) gives nothing/],
  ['an object whose toJSON gives a BigInt', () => ({ toJSON: () => 1n }), /a BigInt/],
  ['an object whose toJSON gives a Map', () => ({ toJSON: () => new Map() }), /a Map/],
  [
    'an object whose toJSON throws',
    () => ({ toJSON: () => fail() }),
    /cannot be expressed as JSON/,
  ],
  ['a promise', () => nested(Promise.resolve(1)), /a promise.*await it/],
  ['a RegExp', () => /private/, /a RegExp/],
  ['a WeakMap', () => new WeakMap(), /a weak collection/],
  ['a Writable', () => new Writable(), /a stream to write to/],
  ['a legacy stream', () => new Stream(), /a stream to write to/],
  ['a WritableStream', () => new WritableStream(), /a stream to write to/],
  ['a TransformStream', () => new TransformStream(), /a stream to write to.*read from it/],
  ['a CompressionStream', () => new CompressionStream('gzip'), /a stream to write to/],
  ['a Blob', () => new Blob(['private']), /a web body/],
  ['a web Request', () => new Request('http://private'), /a web body/],
  ['a cycle', () => cycle(), /cannot be expressed as JSON/],
  ['a member that is a BigInt', () => ({ a: 1n }), /cannot be expressed as JSON/],
  [
    'a getter that throws',
    () => Object.defineProperty({}, 'a', { enumerable: true, get: fail }),
    /cannot be/,
  ],
];

/** A handler's promise is awaited: only inside of something else does one arrive. */
function nested(promise: Promise<unknown>): unknown {
  return { toJSON: () => promise };
}

function fail(): never {
  throw new Error('private');
}

function cycle(): object {
  const circle: { self?: unknown } = {};
  circle.self = circle;
  return circle;
}

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

describe('an output that JSON cannot say', () => {
  it.each(UNSENDABLE)(
    'is a 500 INVALID_OUTPUT whose log names it: %s',
    async (_kind, make, named) => {
      const { status, text, errors } = await replyTo(make);
      expect([status, JSON.parse(text).code]).toEqual([500, 'INVALID_OUTPUT']);
      expect(text).not.toContain('private');
      expect(errors).toEqual([expect.any(EnvelopeError)]);
      expect((errors[0] as Error).message).toMatch(named);
    },
  );

  it.each(UNSENDABLE)(
    'is the same as the first item of a stream: %s',
    async (_kind, make, named) => {
      const { status, text, errors } = await replyTo(() => items(make(), 'later'), SSE);
      expect([status, JSON.parse(text).code]).toEqual([500, 'INVALID_OUTPUT']);
      expect((errors[0] as Error).message).toMatch(named);
    },
  );

  it.each(UNSENDABLE)('is told in band as a later item: %s', async (_kind, make, named) => {
    const { status, text, errors } = await replyTo(() => items('item', make(), 'later'), NDJSON);
    expect(status).toBe(200);
    const [item, failure, ...rest] = text.split('\n');
    expect([item, rest]).toEqual(['"item"', ['']]);
    expect(JSON.parse(String(failure))).toMatchObject({
      type: 'error',
      error: { code: 'INVALID_OUTPUT' },
    });
    expect((errors[0] as Error).message).toMatch(named);
  });

  it('is a web body: a Response as an item of a stream', async () => {
    const { status, text, errors } = await replyTo(() => items(new Response('private')), SSE);
    expect([status, JSON.parse(text).code]).toEqual([500, 'INVALID_OUTPUT']);
    expect((errors[0] as Error).message).toMatch(/a web body/);
  });

  it.each<[string, () => unknown]>([
    ['a Readable of bytes', () => Readable.from([Buffer.from('private')], { objectMode: false })],
    ['a Readable of bytes that has begun', () => new Readable({ read() {} }).resume()],
    ['a ReadableStream of bytes', () => new Blob(['private']).stream()],
  ])('is a stream of bytes: %s', async (_kind, make) => {
    const { status, text, errors } = await replyTo(make);
    expect([status, JSON.parse(text).code]).toEqual([500, 'INVALID_OUTPUT']);
    expect((errors[0] as Error).message).toMatch(/bytes/);
  });
});

describe('an output that cannot even be looked at', () => {
  const hostile: [kind: string, make: () => object][] = [
    ['a Proxy that throws whatever it is asked', () => throwing],
    ['a revoked Proxy', revoked],
  ];

  it.each(hostile)('is a 500 like any other failure of the handler: %s', async (_kind, make) => {
    for (const output of [make, () => items(make())]) {
      const { status, headers, errors } = await replyTo(output);
      expect([status, headers['content-type']]).toEqual([500, 'application/problem+json']);
      expect(errors).toHaveLength(1);
    }
  });

  it.each(hostile)(
    'is INVALID_OUTPUT as an item that nobody has awaited: %s',
    async (_kind, make) => {
      const { status, text } = await replyTo(() => ({
        [Symbol.asyncIterator]: () => ({ next: async () => ({ done: false, value: make() }) }),
      }));
      expect([status, JSON.parse(text).code]).toEqual([500, 'INVALID_OUTPUT']);
    },
  );
});

describe('an output that JSON can say', () => {
  class Point {
    x = 1;
  }
  it.each<[kind: string, make: () => unknown, json: string]>([
    [
      'an object without a prototype',
      () => Object.assign(Object.create(null), { a: 1 }),
      '{"a":1}',
    ],
    ['an instance of a class', () => new Point(), '{"x":1}'],
    ['an instance without members', () => new (class Empty {})(), '{}'],
    ['a Date', () => new Date(0), '"1970-01-01T00:00:00.000Z"'],
    ['a Date that is none', () => new Date(Number.NaN), 'null'],
    ['a URL', () => new URL('http://a/'), '"http://a/"'],
    ['an object whose toJSON gives itself', () => itself(), '{"a":1}'],
    ['an object whose toJSON gives null', () => ({ toJSON: () => null }), 'null'],
    ['an iterable with members', () => ({ a: 1, [Symbol.iterator]: numbers }), '{"a":1}'],
    ['a sparse array', () => new Array(2), '[null,null]'],
  ])('is sent as JSON says it, as a value and as an item: %s', async (_kind, make, json) => {
    const value = await replyTo(make);
    expect(JSON.stringify(JSON.parse(value.text).data.outputs)).toBe(json);
    const stream = await replyTo(() => items(make(), make()), NDJSON);
    expect(stream.text).toBe(`${json}\n${json}\n`);
  });

  function itself(): object {
    return Object.defineProperty({ a: 1 }, 'toJSON', { value: (): unknown => ({ a: 1 }) });
  }

  it('is a BigInt where the app has taught it toJSON', async () => {
    Object.defineProperty(BigInt.prototype, 'toJSON', {
      configurable: true,
      value(this: bigint) {
        return this.toString();
      },
    });
    try {
      expect(JSON.parse((await replyTo(() => 12n)).text).data.outputs).toBe('12');
    } finally {
      Reflect.deleteProperty(BigInt.prototype, 'toJSON');
    }
  });

  it('is null for an undefined item: none is dropped', async () => {
    expect((await replyTo(() => items(1, undefined, 2))).text).toBe('1\nnull\n2\n');
    expect((await replyTo(() => items(undefined), SSE)).text).toBe('data: null\n\n');
  });
});

/** Whatever a line reader takes for the end of a line; Python's `splitlines` takes all of these. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it looks for
const LINE_END = /\r\n|[\n\r\v\f\u001c-\u001e\u0085\u2028\u2029]/;

describe('the lines of a stream', () => {
  const TEXT = 'a\u0085b\u2028c\u2029d\ne\rf\vg\u001ch';
  /** The JSON of each line but blank ones and those that name an event. */
  const linesOf = (text: string) =>
    text
      .split(LINE_END)
      .filter((line) => line !== '' && !line.startsWith('event:'))
      .map((line) => JSON.parse(line.replace('data: ', '')));

  it.each([NDJSON, SSE])('are cut by no line reader: %s', async (accept) => {
    const { text } = await replyTo(() => items(TEXT, { [TEXT]: TEXT }), accept);
    expect(linesOf(text)).toEqual([TEXT, { [TEXT]: TEXT }]);
  });

  it.each([NDJSON, SSE])('are cut by none in the events of a run: %s', async (accept) => {
    const event = { type: 'message.delta' as const, delta: TEXT };
    const engine = smallEngine(async function* () {
      yield event;
    });
    const ask = { messages: [{ role: 'user' as const, content: 'hi' }] };
    const { text } = await replyTo(() => run(engine, ask), accept);
    expect(linesOf(text)).toContainEqual(event);
  });

  it.each([NDJSON, SSE])('are cut by none where they tell of a failure: %s', async (accept) => {
    const { text } = await replyTo(async function* () {
      yield 1;
      await sleep(1);
      throw Object.assign(new Error(TEXT), { status: 409, expose: true });
    }, accept);
    const told = linesOf(text).at(-1);
    expect((told.error ?? told).detail).toBe(TEXT);
  });
});

describe('what a client has nested too deeply', () => {
  const DEPTH = 100_000;
  const deep = (json: string) => `${'['.repeat(DEPTH)}${json}${']'.repeat(DEPTH)}`;
  const body = `{"inputs":{"deep":${deep('1')}}}`;

  it.each<[string, string, (inputs: unknown) => unknown]>([
    ['echoed as a value', '*/*', (inputs) => inputs],
    ['echoed as an item', SSE, (inputs) => items(inputs)],
    ['echoed by one who makes JSON of it himself', '*/*', (inputs) => JSON.stringify(inputs)],
  ])('is a 400, or the app’s own error: %s', async (how, accept, output) => {
    const { app } = envelopeApp(
      express(),
      bind(['inputs'], ({ inputs }) => output(inputs)),
    );
    const reply = await request(app)
      .post('/')
      .set({ 'content-type': JSON_TYPE, accept })
      .send(body);
    const own = how.includes('himself');
    expect(reply.status).toBe(own ? 500 : 400);
    expect(reply.body.code).toBe(own ? 'INTERNAL_ERROR' : 'INVALID_ENVELOPE');
  });

  it('is a 400 as a later item, in band', async () => {
    const { app } = envelopeApp(
      express(),
      bind(['inputs'], ({ inputs }) => items('first', inputs)),
    );
    const reply = await request(app)
      .post('/')
      .set({ 'content-type': JSON_TYPE, accept: NDJSON })
      .buffer(true)
      .parse((res, done) => {
        let text = '';
        res.on('data', (chunk) => {
          text += chunk;
        });
        res.on('end', () => done(null, text));
      })
      .send(body);
    const [, failure] = String(reply.body).split('\n');
    expect(JSON.parse(String(failure)).error).toMatchObject({
      status: 400,
      code: 'INVALID_ENVELOPE',
    });
  });

  it.each(['inputs', 'outputs'] as const)(
    'is a 400 for a recursive schema of the %s',
    async (name) => {
      const schema = {
        type: 'object',
        properties: { deep: { $ref: '#/definitions/list' } },
        definitions: {
          list: {
            anyOf: [{ type: 'integer' }, { type: 'array', items: { $ref: '#/definitions/list' } }],
          },
        },
      } as const;
      const declaration =
        name === 'inputs' ? { inputs: schema } : { inputs: true as const, outputs: schema };
      const { app } = envelopeApp(
        express(),
        bind(declaration as { inputs: true }, ({ inputs }) => inputs),
      );
      const reply = await request(app).post('/').set({ 'content-type': JSON_TYPE }).send(body);
      expect([reply.status, reply.body.code]).toEqual([400, 'INVALID_ENVELOPE']);
    },
  );

  it('is a 400 for a handler that asks for the whole request, which is a copy', async () => {
    const { app } = envelopeApp(
      express(),
      bind(['request'], () => 'answer'),
    );
    const reply = await request(app).post('/').set({ 'content-type': JSON_TYPE }).send(body);
    expect([reply.status, reply.body.code]).toEqual([400, 'INVALID_ENVELOPE']);
  });

  it('is no excuse for a handler that nests its own output: that is a 500', async () => {
    let deep: unknown = 1;
    for (let i = 0; i < DEPTH; i++) deep = [deep];
    const { status, text } = await replyTo(() => deep);
    expect([status, JSON.parse(text).code]).toEqual([500, 'INVALID_OUTPUT']);
  });
});

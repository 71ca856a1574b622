/** What handlers return and throw: JSON, what is JSON by the language's own rules, and what no reply can mean. */
import fc from 'fast-check';
import { json } from './arbitraries.js';

/** Makes a value for one case, and knows whether it can be a reply. A revoked proxy is nothing that fast-check itself could hold. */
export interface Sample {
  readonly kind: string;
  readonly make: () => unknown;
  readonly meant: boolean;
}

export const fails = (): never => {
  throw new Error('private');
};
const circular = () => {
  const object: Record<string, unknown> = {};
  object.self = object;
  return object;
};
const deep = () => {
  let value: unknown = 1;
  for (let i = 0; i < 50_000; i++) value = [value];
  return value;
};

/** What no reply can mean. */
const NOT_MEANT: Record<string, () => unknown> = {
  'a Map': () => new Map([['a', 1]]),
  'a Set': () => new Set([1]),
  'a WeakMap': () => new WeakMap(),
  'an Error': () => new Error('private'),
  'a synchronous generator': () => [1, 2].values(),
  'a typed array': () => new Uint8Array([1, 2]),
  'a Buffer': () => Buffer.from('bytes'),
  'an ArrayBuffer': () => new ArrayBuffer(2),
  'a BigInt': () => 1n,
  'a function': () => () => 1,
  'a class': () => class {},
  'a symbol': () => Symbol('private'),
  'an object whose toJSON() gives undefined': () => ({ toJSON: () => undefined }),
  'an object whose toJSON() gives a BigInt': () => ({ toJSON: () => 1n }),
  'an object whose toJSON() throws': () => ({ toJSON: fails }),
  'an object with a BigInt': () => ({ a: [1n] }),
  'a circular object': circular,
  'a value that is too deep': deep,
  'an object with a getter that throws': () =>
    Object.defineProperty({}, 'a', { get: fails, enumerable: true }),
  // But for `then`, which JavaScript itself asks a returned value for: that would be a throw of the handler.
  'a proxy that throws': () =>
    new Proxy(
      {},
      {
        get: (_target, name) => (name === 'then' ? undefined : fails()),
        has: fails,
        ownKeys: fails,
        getPrototypeOf: fails,
      },
    ),
};
/** What is JSON by the language's own rules. */
const MEANT: Record<string, () => unknown> = {
  'a Date': () => new Date(0),
  'a boxed string': () => new String('text'),
  'an object with toJSON()': () => ({ toJSON: () => ({ a: 1 }) }),
  'an object without a prototype': () => Object.assign(Object.create(null), { a: 1 }),
  'an instance': () =>
    new (class Answer {
      readonly text = 'yes';
    })(),
  'a sparse array': () => new Array(2),
  NaN: () => Number.NaN,
  'an object with what JSON leaves out': () => ({ a: undefined, b: () => 1, c: Symbol('c'), d: 1 }),
};
const made = (table: Record<string, () => unknown>, meant: boolean) =>
  fc.constantFrom(...Object.entries(table)).map(([kind, make]): Sample => ({ kind, make, meant }));

export const sample: fc.Arbitrary<Sample> = fc.oneof(
  {
    weight: 3,
    arbitrary: json.map((value): Sample => ({ kind: 'JSON', make: () => value, meant: true })),
  },
  { weight: 1, arbitrary: made(MEANT, true) },
  { weight: 2, arbitrary: made(NOT_MEANT, false) },
);

/** What a handler gave as output goes in; the error for what JSON cannot say comes out, which names the kind and the remedy. */
import { types } from 'node:util';
import { EnvelopeError } from '../shared/errors.js';
import { isBytes } from '../shared/json.js';

type Kind = readonly [is: (value: object) => boolean, kind: string, remedy: string];

/** Looked at first: what their own `toJSON` makes of them was not meant, either. */
const NEVER: readonly Kind[] = [
  [isBytes, 'bytes', 'answer through res'],
  [(value) => types.isNativeError(value) || value instanceof Error, 'an Error', 'throw it'],
];

/** JSON makes `{}` of them. */
const EMPTY: readonly Kind[] = [
  [types.isMap, 'a Map', 'return Object.fromEntries(map)'],
  [types.isSet, 'a Set', 'return [...set]'],
  [(value) => Symbol.asyncIterator in value, 'a stream inside a stream', 'return its items'],
  [isIterator, 'a synchronous iterator', 'return [...iterator]'],
  [types.isPromise, 'a promise', 'await it'],
  [types.isRegExp, 'a RegExp', 'return its source'],
  [
    (value) => types.isWeakMap(value) || types.isWeakSet(value),
    'a weak collection',
    'return an object',
  ],
  [
    (value) => value instanceof Response || value instanceof Blob,
    'a web body',
    'answer through res',
  ],
];

/** For `typeof`: JSON leaves these out, or throws. */
const PRIMITIVES: ReadonlyMap<string, readonly [kind: string, remedy: string]> = new Map([
  ['bigint', ['a BigInt', 'return a string']],
  ['function', ['a function', 'call it']],
  ['symbol', ['a symbol', 'return a string']],
]);

/**
 * The error for an output, or an item of a stream, that would arrive as something else than what was meant. What lies deeper
 * inside is JSON's own affair.
 */
export function unsendable(output: unknown): EnvelopeError | undefined {
  if (typeof output !== 'object' || output === null) {
    const primitive = PRIMITIVES.get(typeof output);
    return primitive && refusal(...primitive);
  }
  const never = NEVER.find(([is]) => is(output));
  if (never !== undefined) return refusal(never[1], never[2]);
  if ('toJSON' in output && typeof output.toJSON === 'function') {
    const says = JSON.stringify(output) !== undefined;
    return says ? undefined : refusal('an object whose toJSON() gives nothing', 'return a value');
  }
  const empty = isPlain(output) ? undefined : EMPTY.find(([is]) => is(output));
  return empty && refusal(empty[1], empty[2]);
}

function isPlain(value: object): boolean {
  return Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype;
}

function isIterator(value: object): boolean {
  return Symbol.iterator in value && 'next' in value && typeof value.next === 'function';
}

/** The error for an output of this kind. */
export function refusal(kind: string, remedy: string): EnvelopeError {
  const message = `The handler's output is ${kind}, which JSON cannot express: ${remedy}`;
  return new EnvelopeError('INVALID_OUTPUT', message);
}

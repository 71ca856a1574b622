/** A handler's output goes in; if JSON cannot express it, an error that names the kind and the remedy comes out. */
import { Stream } from 'node:stream';
import { types } from 'node:util';
import { EnvelopeError } from '../shared/errors.js';
import { isBytes } from '../shared/json.js';
import { disown, hasMember, isThenable, orUndefined, readMember } from '../shared/thrown.js';
import { discard } from './discard.js';

type Kind = readonly [is: (value: object) => boolean, kind: string, remedy: string];

/** Whatever their own `toJSON` makes of them. */
const NEVER: readonly Kind[] = [
  [isBytes, 'bytes', 'answer through res'],
  [isError, 'an Error', 'throw it'],
];

function isError(value: object): boolean {
  return types.isNativeError(value) || value instanceof Error || value instanceof DOMException;
}

/** JSON makes `{}` of them. */
const EMPTY: readonly Kind[] = [
  [types.isMap, 'a Map', 'return Object.fromEntries(map)'],
  [types.isSet, 'a Set', 'return [...set]'],
  [isStream, 'a stream inside a stream', 'return its items'],
  [isIterable, 'an iterable', 'return [...iterable]'],
  [isSink, 'a stream to write to', 'return what is read from it, or answer through res'],
  [types.isRegExp, 'a RegExp', 'return its source'],
  [
    (value) => types.isWeakMap(value) || types.isWeakSet(value),
    'a weak collection',
    'return an object',
  ],
  [isWebBody, 'a web body', 'return a Response, and nothing beside it'],
];

/** A Node stream that is no `Readable`; a `WritableStream`, and a pair with one: `TransformStream`, `CompressionStream`. */
function isSink(value: object): boolean {
  const web = [value, readMember(value, 'writable')];
  return (
    value instanceof Stream ||
    web.some((side) => readMember(side, Symbol.toStringTag) === 'WritableStream')
  );
}

/** A handler's whole output may be a `Response`; an item of a stream may not. */
function isWebBody(value: object): boolean {
  return WEB_BODIES.includes(readMember(value, Symbol.toStringTag));
}
const WEB_BODIES: readonly unknown[] = ['Blob', 'File', 'Request', 'Response'];

/** For `typeof`: JSON leaves these out, or throws. */
const PRIMITIVES: ReadonlyMap<string, readonly [kind: string, remedy: string]> = new Map([
  ['bigint', ['a BigInt', 'return a string']],
  ['function', ['a function', 'call it']],
  ['symbol', ['a symbol', 'return a string']],
  ['undefined', ['an object whose toJSON() gives nothing', 'return a value']],
]);

/**
 * What JSON is made of for an output, or an item of a stream: `toJSON()` is called here, once, and not again. Values
 * deeper inside are left to JSON.
 *
 * @throws {@link EnvelopeError} `INVALID_OUTPUT` (500) for what would not arrive as it was meant, and what `toJSON()` throws
 */
export function jsonValue(output: unknown): unknown {
  // JSON has null for an item that is undefined; a handler that returns it has answered by itself.
  if (output === undefined || output === null) return output;
  const { toJSON } = output as { toJSON?: unknown };
  const converts = typeof toJSON === 'function';
  // The usual case needs no further check.
  if (!converts && isPlain(output) && !Object.hasOwn(output, 'then')) return output;
  const says: unknown = converts ? toJSON.call(output, '') : output;
  const kind =
    kindOf(NEVER, output) ??
    PRIMITIVES.get(typeof says) ??
    (isThenable(says) ? disowned(says) : undefined) ??
    (isPlain(says) ? undefined : kindOf(EMPTY, says));
  if (kind !== undefined) {
    giveUp(says);
    throw refusal(...kind);
  }
  // JSON would call the `toJSON()` of what `toJSON()` gave.
  return converts && hasToJson(says) ? { toJSON: () => says } : says;
}

/** Nobody will read it: what it holds open is closed, and a failure of it ends nothing else. */
export function giveUp(refused: unknown): void {
  const closing = isStream(refused) ? discard(refused) : orUndefined(() => cancelBody(refused));
  closing?.catch(() => undefined);
}

function cancelBody(refused: unknown): Promise<void> | undefined {
  return isWebBody(Object(refused)) ? (refused as Partial<Response>).body?.cancel() : undefined;
}

export function isStream(value: unknown): value is AsyncIterable<unknown> {
  return hasMember(value, Symbol.asyncIterator);
}

/** Nobody will await it. */
function disowned(promise: unknown): readonly [kind: string, remedy: string] {
  disown(promise);
  return ['a promise', 'await it'];
}

function hasToJson(value: unknown): boolean {
  return typeof (value as { toJSON?: unknown } | null)?.toJSON === 'function';
}

function kindOf(kinds: readonly Kind[], value: unknown): readonly [string, string] | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const found = kinds.find(([is]) => is(value));
  return found && [found[1], found[2]];
}

/** An object of the usual shape may be a stream all the same: a run is one. */
export function isPlain(value: unknown): boolean {
  if (value === null) return true;
  if (!Array.isArray(value) && Object.getPrototypeOf(value) !== Object.prototype) return false;
  return !(Symbol.asyncIterator in (value as object));
}

/** A generator, `URLSearchParams`, `Headers`: what has members of its own besides is taken for an object. */
function isIterable(value: object): boolean {
  const iterator = Symbol.iterator in value && 'next' in value && typeof value.next === 'function';
  return iterator || (Symbol.iterator in value && Object.keys(value).length === 0);
}

/** The error for an output of this kind. */
export function refusal(kind: string, remedy: string): EnvelopeError {
  const message = `The handler's output is ${kind}, which JSON cannot express: ${remedy}`;
  return new EnvelopeError('INVALID_OUTPUT', message);
}

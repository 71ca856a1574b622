/** What JSON values are, and the few things every stage does with them. */
import { types } from 'node:util';

/** A JSON object whose members are not checked yet. */
export type JsonObject = Record<string, unknown>;

/**
 * True for a JSON object. A `Buffer` from `express.raw()` and an array are not JSON objects.
 * No prototype is compared: a body may come from another realm or another parser.
 */
export function isJsonObject(value: unknown): value is JsonObject {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !ArrayBuffer.isView(value)
  );
}

/** True for a `Buffer`, any other typed array, and what lies under them. */
export function isBytes(value: unknown): boolean {
  return ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value);
}

/**
 * The object's own member, or `undefined`. Client input is never read through its prototype: `constructor` is not an
 * input that the client sent.
 */
export function ownMember(object: JsonObject, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

/**
 * A deep copy that cannot be changed. The original stays as it is: a later middleware may still own it. What an app has put into a
 * body twice, or into itself, is one object in the copy, too: it would be copied without an end.
 *
 * @param made - the copies so far, by their originals
 */
export function frozenCopy<T>(value: T, made = new Map<unknown, unknown>()): T {
  const isList = Array.isArray(value);
  if (!isList && !isJsonObject(value)) return value;
  const known = made.get(value);
  if (known !== undefined) return known as T;
  const copy = (isList ? [] : {}) as JsonObject;
  made.set(value, copy);
  for (const name of Object.keys(value)) {
    const member = frozenCopy((value as JsonObject)[name], made);
    // By an assignment it would become the prototype.
    if (name === '__proto__')
      Object.defineProperty(copy, name, { value: member, enumerable: true });
    else copy[name] = member;
  }
  return Object.freeze(copy) as T;
}

/** True for text of nothing but white space: the one meaning of "blank". */
export function isBlank(text: string): boolean {
  return text.trim() === '';
}

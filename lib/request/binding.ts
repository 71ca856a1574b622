/** The names a handler asks for go in; a function that builds exactly that argument from an envelope comes out. */

import { configError, EnvelopeError } from '../shared/errors.js';
import { frozenCopy, isJsonObject, type JsonObject, ownMember } from '../shared/json.js';
import type { EnvelopeData, FieldValues } from './envelope.js';
import { DATA_FIELDS, type DataField, type EnvelopeField } from './field.js';

/** The whole parsed envelope, as `request` binds it. Deeply frozen, a copy. */
export interface Envelope {
  /** The session id; absent when the request has none. */
  readonly session_id?: string;
  /** Further fields of the allowlist that have a value. */
  readonly [field: string]: unknown;
  readonly data: Readonly<EnvelopeData>;
}

/** The value each known name binds. Any other name is a further envelope field, or else an input: `unknown`. */
interface NamedValues extends EnvelopeData {
  readonly request: Envelope;
  readonly session_id: string | undefined;
}

/** The type of the value that `Name` binds. */
export type NamedValue<Name extends string> = Name extends keyof NamedValues
  ? NamedValues[Name]
  : unknown;

/** The property a name becomes: `'...rest'` becomes `rest`. */
export type BoundKey<Name> = Name extends `...${infer Rest}` ? Rest : Name;

/** What a handler may ask for in a list: a name, or a field of the allowlist. */
export type Asked = string | EnvelopeField;

type NameOf<A extends Asked> = A extends EnvelopeField<infer Name> ? Name : A & string;

/** The argument of a handler that asked for `A`, names and fields mixed. */
export type Bound<A extends Asked> = {
  [Name in NameOf<A> as BoundKey<Name>]: Name extends `...${string}`
    ? Omit<EnvelopeData, NameOf<A>>
    : AskedValue<Extract<A, { readonly name: Name }>, Name>;
};

/** A field knows the type of its value; it may be absent. */
export type AskedValue<Field, Name extends string> = [Field] extends [never]
  ? NamedValue<Name>
  : Field extends EnvelopeField<string, infer Value>
    ? Value | undefined
    : unknown;

/** Builds a handler's argument from the checked data; `sent` is the data of the request as it came. */
export type Binder = (fields: FieldValues, data: EnvelopeData, sent?: EnvelopeData) => JsonObject;

type Source = (fields: FieldValues, data: EnvelopeData, sent: EnvelopeData) => unknown;

/**
 * Compiles what was asked for into a binder.
 *
 * @param place - the function that was called, for the error
 * @throws TypeError for a name that is empty, `__proto__`, or given twice, and for a second rest
 */
export function compileBinder(asked: readonly Asked[], place: string): Binder {
  const names = asked.map((one) => (isJsonObject(one) ? one.name : one) as string);
  const keys = new Set<string>();
  let rest: string | undefined;
  for (const name of names) {
    const isRest = typeof name === 'string' && name.startsWith('...');
    const key = isRest ? name.slice(3) : name;
    // `__proto__` as a property name would set the argument's prototype.
    if (typeof key !== 'string' || key === '' || key === '__proto__') {
      throw configError(place, "takes names, fields and at most one '...rest'", name);
    }
    if (keys.has(key)) throw configError(place, 'takes each name once', name);
    if (isRest && rest !== undefined) throw configError(place, 'takes one rest', name);
    if (isRest) rest = name;
    keys.add(key);
  }
  const sources = names.map((name, i): [key: string, source: Source] => {
    if (name === rest) return [name.slice(3), restSource(names)];
    return [name, typeof asked[i] === 'string' ? sourceOf(name) : fieldSource(name)];
  });
  return (fields, data, sent = data) => {
    const bound: JsonObject = {};
    for (const [key, source] of sources) bound[key] = source(fields, data, sent);
    return bound;
  };
}

function sourceOf(name: string): Source {
  if (name === 'request') return envelopeOf;
  if (isDataField(name)) return (_fields, data) => data[name];
  // `fields` holds every allowlisted name, with or without a value: an input never replaces an absent field.
  return (fields, { inputs }) =>
    Object.hasOwn(fields, name) ? fields[name] : ownMember(Object(inputs), name);
}

/** A field was checked by the middleware that knows it. If no middleware knows it, an unchecked input must not replace it. */
function fieldSource(name: string): Source {
  return (fields) => {
    if (Object.hasOwn(fields, name)) return fields[name];
    throw new EnvelopeError(
      'MIDDLEWARE_MISSING',
      `The fields of agentEnvelope() lack ${name}, which bind() asks for`,
    );
  };
}

/** Data fields only: an envelope field reaches a handler by its name or not at all. */
function restSource(names: readonly string[]): Source {
  const left = DATA_FIELDS.filter((field) => !names.includes(field));
  return (_fields, data) => Object.fromEntries(left.map((field) => [field, data[field]]));
}

/** As the client sent it: what a schema makes of the data may be no JSON. */
function envelopeOf(fields: FieldValues, _data: EnvelopeData, sent: EnvelopeData): unknown {
  const { inputs, outputs, parameters } = sent;
  const present = Object.entries(fields).filter(([, value]) => value !== undefined);
  return frozenCopy({
    ...Object.fromEntries(present),
    data: { inputs, ...(outputs === undefined ? undefined : { outputs }), parameters },
  });
}

function isDataField(name: string): name is DataField {
  return (DATA_FIELDS as readonly string[]).includes(name);
}

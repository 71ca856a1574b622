/** The names a handler asks for go in; a function that builds exactly that argument from an envelope comes out. */

import { configError } from '../shared/errors.js';
import { frozenCopy, type JsonObject, ownMember } from '../shared/json.js';
import type { EnvelopeData, FieldValues } from './envelope.js';
import { DATA_FIELDS, type DataField } from './field.js';

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

/** The argument of a handler that asked for `Names`. */
export type Bound<Names extends string> = {
  [Name in Names as BoundKey<Name>]: Name extends `...${string}`
    ? Omit<EnvelopeData, Names>
    : NamedValue<Name>;
};

/** Builds a handler's argument. */
export type Binder = (fields: FieldValues, data: EnvelopeData) => JsonObject;

type Source = (fields: FieldValues, data: EnvelopeData) => unknown;

/**
 * Compiles the names into a binder.
 *
 * @param place - the function that was called, for the error
 * @throws TypeError for a name that is empty, `__proto__`, or given twice, and for a second rest
 */
export function compileBinder(names: readonly string[], place: string): Binder {
  const keys = new Set<string>();
  let rest: string | undefined;
  for (const name of names) {
    const isRest = typeof name === 'string' && name.startsWith('...');
    const key = isRest ? name.slice(3) : name;
    // `__proto__` as a property name would set the argument's prototype.
    if (typeof key !== 'string' || key === '' || key === '__proto__') {
      throw configError(place, "takes names and at most one '...rest'", name);
    }
    if (keys.has(key)) throw configError(place, 'takes each name once', name);
    if (isRest && rest !== undefined) throw configError(place, 'takes one rest', name);
    if (isRest) rest = name;
    keys.add(key);
  }
  const sources = names.map((name): [key: string, source: Source] =>
    name === rest ? [name.slice(3), restSource(names)] : [name, sourceOf(name)],
  );
  return (fields, data) => {
    const bound: JsonObject = {};
    for (const [key, source] of sources) bound[key] = source(fields, data);
    return bound;
  };
}

function sourceOf(name: string): Source {
  if (name === 'request') return envelopeOf;
  if (isDataField(name)) return (_fields, data) => data[name];
  // `fields` holds every allowlisted name, with or without a value: an input never stands in for an absent field.
  return (fields, { inputs }) =>
    Object.hasOwn(fields, name) ? fields[name] : ownMember(inputs, name);
}

/** Data fields only: an envelope field reaches a handler by its name or not at all. */
function restSource(names: readonly string[]): Source {
  const left = DATA_FIELDS.filter((field) => !names.includes(field));
  return (_fields, data) => Object.fromEntries(left.map((field) => [field, data[field]]));
}

function envelopeOf(fields: FieldValues, { inputs, outputs, parameters }: EnvelopeData): unknown {
  const present = Object.entries(fields).filter(([, value]) => value !== undefined);
  return frozenCopy({
    ...Object.fromEntries(present),
    data: { inputs, ...(outputs === undefined ? undefined : { outputs }), parameters },
  });
}

function isDataField(name: string): name is DataField {
  return (DATA_FIELDS as readonly string[]).includes(name);
}

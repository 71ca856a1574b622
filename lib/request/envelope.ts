/** A JSON object goes in; its allowlisted fields and its data come out, or the rules it breaks. Pure. */

import { detailsError, EnvelopeError, type ErrorDetail } from '../shared/errors.js';
import { isJsonObject, type JsonObject, ownMember } from '../shared/json.js';
import { isOverflow } from '../shared/overflow.js';
import { DATA_FIELDS, isAbsent } from './field.js';
import type { ParsedField } from './parsed-field.js';

/** Values of the allowlisted fields: every allowlisted name is a key, `undefined` where the request has no value. */
export type FieldValues = Record<string, unknown>;

/** What a handler works on. */
export interface EnvelopeData {
  /** `{}` when absent or null. */
  readonly inputs: JsonObject;
  /** Any JSON value; `undefined` when absent. */
  readonly outputs: unknown;
  /** `{}` when absent or null. */
  readonly parameters: JsonObject;
}

/** The data, and the JSON Pointer of the object that holds it: `/data`, or empty in the flat spelling. */
export interface LocatedData extends EnvelopeData {
  readonly pointer: '' | '/data';
}

/**
 * Reads the allowlisted fields from the top level. Valid fields are kept when another one is not, so that a refusal can
 * still name its conversation.
 */
export function readFields(
  body: JsonObject,
  fields: readonly ParsedField[],
): { values: FieldValues; error: EnvelopeError | undefined } {
  const values: FieldValues = {};
  let errors: ErrorDetail[] | undefined;
  for (const { name, check } of fields) {
    const value = ownMember(body, name);
    values[name] = undefined;
    if (isAbsent(value)) continue;
    const broken = check(value);
    if (broken === undefined) values[name] = value;
    else errors = [...(errors ?? []), ...broken];
  }
  return { values, error: errors && detailsError('INVALID_FIELD', errors) };
}

/** Whether any field has a value. */
export function hasFieldValue(values: FieldValues): boolean {
  return Object.values(values).some((value) => value !== undefined);
}

/**
 * Reads `inputs`, `outputs` and `parameters`, from `data` or, in the flat spelling, from the top level.
 *
 * @returns the data, or the {@link EnvelopeError} `INVALID_ENVELOPE` (400) for both spellings at once, or a member that is not
 * an object
 */
export function readData(body: JsonObject): LocatedData | EnvelopeError {
  const nested = Object.hasOwn(body, 'data');
  const both = nested ? DATA_FIELDS.filter((name) => Object.hasOwn(body, name)) : [];
  if (both.length > 0) {
    return invalid(
      both.map((name) => [`/${name}`, 'must not stand beside /data; use one of the two']),
    );
  }
  const pointer = nested ? '/data' : '';
  const data = nested ? (body.data ?? {}) : body;
  if (!isJsonObject(data)) return mustBeObject(pointer);
  const inputs = ownMember(data, 'inputs') ?? {};
  const parameters = ownMember(data, 'parameters') ?? {};
  if (!isJsonObject(inputs)) return mustBeObject(`${pointer}/inputs`);
  if (!isJsonObject(parameters)) return mustBeObject(`${pointer}/parameters`);
  return { inputs, outputs: ownMember(data, 'outputs'), parameters, pointer };
}

function mustBeObject(pointer: string): EnvelopeError {
  return invalid([[pointer, 'must be an object']]);
}

function invalid(places: [pointer: string, detail: string][]): EnvelopeError {
  return detailsError(
    'INVALID_ENVELOPE',
    places.map(([pointer, detail]) => ({ pointer, detail })),
  );
}

/** Levels of nesting. No walk overflows the stack on this few; only after an overflow is it asked whether there are more. */
const MAX_DEPTH = 500;

/**
 * Runs what walks the client's values. A body within the limit can still be nested so deeply that the walk overflows the
 * stack: that is the client's fault, not the server's.
 *
 * @throws {@link EnvelopeError} `INVALID_ENVELOPE` (400) in place of the overflow
 */
export function refusingDepth<T>(data: EnvelopeData, walk: () => T): T {
  try {
    const walked = walk();
    if (!(walked instanceof Promise)) return walked;
    return walked.catch((cause: unknown) => {
      throw depthError(cause, data) ?? cause;
    }) as T;
  } catch (cause) {
    throw depthError(cause, data) ?? cause;
  }
}

/**
 * The error for an overflow that the client's nesting explains. The overflow does not become its cause: a refusal with a cause is
 * printed, and this one is the client's fault alone.
 */
export function depthError(cause: unknown, data: EnvelopeData): EnvelopeError | undefined {
  if (!isOverflow(cause)) return undefined;
  if (!isDeep([data.inputs, data.outputs, data.parameters])) return undefined;
  return new EnvelopeError('INVALID_ENVELOPE', 'The envelope is nested too deeply');
}

/** Level by level: a walk that calls itself would overflow in its turn. Each object once: an app may have put one into itself. */
function isDeep(values: readonly unknown[]): boolean {
  const depths = new Map<unknown, number>([[values, 0]]);
  for (const [value, depth] of depths) {
    if (depth > MAX_DEPTH) return true;
    for (const inner of Object.values(value as object)) {
      if (typeof inner === 'object' && inner !== null && !depths.has(inner)) {
        depths.set(inner, depth + 1);
      }
    }
  }
  return false;
}

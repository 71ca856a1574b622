/** A declared field, ready for requests. `sessionId` is checked without ajv, so apps with no other field never load it. */
import type { Attributes, AttributeValue } from '@opentelemetry/api';
import type { ErrorDetail } from '../shared/errors.js';
import type { JsonObject } from '../shared/json.js';
import { SESSION_ID_SCHEMA, sessionId } from './field.js';

/** A declared field, ready for requests. */
export interface ParsedField {
  readonly name: string;
  /** The span attribute that carries the value. The session id has its own: see `session/session-attributes.ts`. */
  readonly attribute: string | undefined;
  /** Lists what is wrong with a value that is present. */
  readonly check: (value: unknown) => ErrorDetail[] | undefined;
}

const SESSION_ID = new RegExp(SESSION_ID_SCHEMA.pattern);
const BROKEN: ErrorDetail = {
  pointer: `/${sessionId.name}`,
  detail: `must be ${SESSION_ID_SCHEMA.description}`,
};

/** The session's field, parsed. */
export const SESSION_FIELD: ParsedField = Object.freeze({
  name: sessionId.name,
  attribute: undefined,
  check: (value: unknown) =>
    typeof value === 'string' && SESSION_ID.test(value) ? undefined : [BROKEN],
});

/** The span attributes of the fields that have a value. */
export function fieldAttributes(
  fields: readonly ParsedField[],
  values: Readonly<JsonObject>,
): Attributes {
  const attributes: Attributes = {};
  for (const { name, attribute } of fields) {
    const value = values[name];
    if (attribute !== undefined && value !== undefined)
      attributes[attribute] = attributeValue(value);
  }
  return attributes;
}

/** As an attribute, what is no string, number or boolean is JSON text. */
export function attributeValue(value: unknown): AttributeValue {
  return typeof value === 'object' ? JSON.stringify(value) : (value as AttributeValue);
}

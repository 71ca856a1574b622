/** A declared field, ready for requests. `sessionId` is checked without ajv, so apps with no other field never load it. */
import type { Attributes, AttributeValue } from '@opentelemetry/api';
import type { ErrorDetail } from '../shared/errors.js';
import type { JsonObject } from '../shared/json.js';
import { SESSION_ID_SCHEMA, sessionId } from './field.js';

/** A declared field, ready for requests. */
export interface ParsedField {
  readonly name: string;
  readonly attributes: readonly string[];
  /** Lists what is wrong with a value that is present. */
  readonly check: (value: unknown) => ErrorDetail[] | undefined;
}

/** `session.id` (OTel) is read by most backends, `gen_ai.conversation.id` (GenAI conventions) by the others: both are stamped. */
const ALIASES: ReadonlyMap<string, readonly string[]> = new Map([
  ['session.id', ['session.id', 'gen_ai.conversation.id']],
]);

/** The span attributes that carry a field's value. */
export function attributesOf(attribute: string | undefined): readonly string[] {
  return attribute === undefined ? [] : (ALIASES.get(attribute) ?? [attribute]);
}

const SESSION_ID = new RegExp(SESSION_ID_SCHEMA.pattern);
const BROKEN: ErrorDetail = {
  pointer: `/${sessionId.name}`,
  detail: `must be ${SESSION_ID_SCHEMA.description}`,
};

/** The session's field, parsed. */
export const SESSION_FIELD: ParsedField = Object.freeze({
  name: sessionId.name,
  attributes: attributesOf(sessionId.attribute),
  check: (value: unknown) =>
    typeof value === 'string' && SESSION_ID.test(value) ? undefined : [BROKEN],
});

/** The span attributes of the fields that have a value. */
export function spanAttributes(
  fields: readonly ParsedField[],
  values: Readonly<JsonObject>,
): Attributes {
  const attributes: Attributes = {};
  for (const field of fields) {
    const value = values[field.name];
    if (value === undefined) continue;
    for (const attribute of field.attributes) attributes[attribute] = attributeValue(value);
  }
  return attributes;
}

/** As an attribute, what is no string, number or boolean is JSON text. */
export function attributeValue(value: unknown): AttributeValue {
  return typeof value === 'object' ? JSON.stringify(value) : (value as AttributeValue);
}

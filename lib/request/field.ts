/** What an envelope contains: the data fields, and the shape of a field beside them. */
import { isBlank } from '../shared/json.js';
import type { JsonSchema } from '../shared/schema.js';

/**
 * A JSON Schema, and no Standard Schema (Zod, Valibot, ArkType): in a field that throws at start. The index signature is for
 * literals: without it the compiler would take each keyword for a misspelt `~standard`.
 */
export type FieldSchema = (JsonSchema | { readonly [keyword: string]: unknown }) & {
  readonly '~standard'?: never;
};

/**
 * A field at the top level of the envelope, beside the data. Declaring it gives it everything a field has:
 * binding by name, validation, a value in the context, in `res.locals` and in log correlation, and a span attribute.
 */
export interface EnvelopeField<Name extends string = string, Value = unknown> {
  /** Name on the wire, in `bind()` and in `res.locals` (there it replaces a value of that name): a letter or `_`, then letters, digits, `_`, `.` or `-`. */
  readonly name: Name;
  /**
   * JSON Schema of the value; a value that does not fit is a 400 `INVALID_FIELD` that names the field and the rule.
   * A `description` in the schema is quoted as the rule. `null` and blank strings never reach it: they count as absent.
   * @defaultValue none: a string of 1 to 256 characters without control characters, a finite number, or a boolean
   */
  readonly schema?: FieldSchema | undefined;
  /**
   * Span attribute that carries the value. Strings, numbers and booleans stay as they are, anything else becomes JSON text.
   * The value goes onto every span of the request: bound its size by the schema.
   * @defaultValue none: the value is on no span
   */
  readonly attribute?: string | undefined;
  /** The type of a value that fits, for the compiler only. At run time no field has this member. */
  readonly '~value'?: Value;
}

/** The rule of the session id, as a schema. */
export const SESSION_ID_SCHEMA = Object.freeze({
  type: 'string',
  pattern: '^[A-Za-z0-9._:-]{1,128}$',
  description: 'a string that matches ^[A-Za-z0-9._:-]{1,128}$',
});

/**
 * The conversation's id, first entry of every allowlist. 1 to 128 characters of `A-Z a-z 0-9 . _ : -`.
 *
 * The same rule as Agenta's; it fits Langfuse's limit of 200 US-ASCII characters, and an HTTP header.
 */
export const sessionId: EnvelopeField<'session_id', string> = Object.freeze({
  name: 'session_id',
  schema: SESSION_ID_SCHEMA,
  attribute: 'session.id',
});

/** The members of an envelope that hold the handler's data. */
export const DATA_FIELDS = ['inputs', 'outputs', 'parameters'] as const;

/** One of `inputs`, `outputs`, `parameters`. */
export type DataField = (typeof DATA_FIELDS)[number];

/** null and blank strings count as absent, for every envelope field alike. */
export function isAbsent(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === 'string' && isBlank(value));
}

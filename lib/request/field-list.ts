/** The `fields` option goes in, ready-made checks and span attributes come out: one entry declares all a field has. */
import type { Attributes, AttributeValue } from '@opentelemetry/api';
import { configError, type ErrorDetail } from '../shared/errors.js';
import { isBlank, isJsonObject, type JsonObject, ownMember } from '../shared/json.js';
import { compileSchema, type JsonSchema } from '../shared/schema.js';
import { DATA_FIELDS, type EnvelopeField, sessionId } from './field.js';

/** Names that mean something else in an envelope or a binding, and names that reach a prototype. */
const RESERVED: ReadonlySet<string> = new Set([
  ...DATA_FIELDS,
  'data',
  'request',
  '__proto__',
  'constructor',
  'prototype',
]);

const MEMBERS: readonly string[] = [
  'name',
  'schema',
  'attribute',
] satisfies (keyof EnvelopeField)[];

const NAME = /^[A-Za-z_][A-Za-z0-9_.-]*$/;

/** `session.id` (OTel) is read by most backends, `gen_ai.conversation.id` (GenAI conventions) by the others: both are stamped. */
const ALIASES: ReadonlyMap<string, readonly string[]> = new Map([
  ['session.id', ['session.id', 'gen_ai.conversation.id']],
]);

/** A declared field, ready for requests. */
export interface ParsedField {
  readonly name: string;
  readonly attributes: readonly string[];
  /** Lists what is wrong with a value that is present. */
  readonly check: (value: unknown) => ErrorDetail[] | undefined;
}

/**
 * Parses the allowlist option.
 *
 * @throws TypeError naming the entry and the rule
 */
export function parseFieldList(
  entries: readonly (string | EnvelopeField)[],
  place: string,
): readonly ParsedField[] {
  if (!Array.isArray(entries)) throw configError(place, 'must be an array', entries);
  const fields = Array.from(entries, (entry: unknown, i) => parseField(entry, i, `${place}[${i}]`));
  if (fields.length === 0) throw configError(`${place}[0]`, 'must be sessionId', undefined);
  refuseDuplicates(
    `${place}: names`,
    fields.map((field) => field.name),
  );
  refuseDuplicates(
    `${place}: attributes`,
    fields.flatMap((field) => field.attributes),
  );
  return Object.freeze(fields);
}

function parseField(entry: unknown, index: number, place: string): ParsedField {
  const field = typeof entry === 'string' ? { name: entry } : entry;
  if (!isJsonObject(field)) {
    throw configError(place, 'must be a name or { name, schema?, attribute? }', entry);
  }
  if (index === 0) return parsedSessionId(field, place);
  const stranger = Object.keys(field).find((member) => !MEMBERS.includes(member));
  if (stranger !== undefined) {
    throw configError(place, 'takes name, schema and attribute only', stranger);
  }
  const [name, schema, attribute] = MEMBERS.map((member) => ownMember(field, member));
  if (typeof name !== 'string' || !NAME.test(name)) {
    throw configError(`${place}.name`, `must match ${NAME}`, name);
  }
  if (RESERVED.has(name)) {
    throw configError(`${place}.name`, `must not be one of ${[...RESERVED].join(', ')}`, name);
  }
  if (attribute !== undefined && (typeof attribute !== 'string' || isBlank(attribute))) {
    throw configError(`${place}.attribute`, 'must be the name of a span attribute', attribute);
  }
  return compileField({ name, schema: schema as JsonSchema | undefined, attribute }, place);
}

/** The first entry is `sessionId` itself: its rule is part of the wire, so nobody can declare a laxer one. */
function parsedSessionId(field: JsonObject, place: string): ParsedField {
  const isSessionId =
    ownMember(field, 'name') === sessionId.name &&
    // Compared by content: an app may hold two copies of this package.
    (Object.keys(field).length === 1 || JSON.stringify(field) === JSON.stringify(sessionId));
  if (!isSessionId) {
    throw configError(place, 'must be sessionId, as exported by this package', field.name ?? field);
  }
  return SESSION_FIELD;
}

function compileField({ name, schema, attribute }: EnvelopeField, place: string): ParsedField {
  const attributes = attribute === undefined ? [] : (ALIASES.get(attribute) ?? [attribute]);
  const checkRule =
    schema === undefined ? scalarCheck(name) : ruleCheck(schema, `${place}.schema`, name);
  return Object.freeze({
    name,
    attributes,
    check: (value: unknown) => {
      try {
        const errors = checkRule(value);
        // Once now, while its failure can still be told: as an attribute it is JSON text.
        if (attributes.length > 0 && errors === undefined) attributeValue(value);
        return errors;
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        return [{ pointer: `/${name}`, detail: 'is nested too deeply' }];
      }
    },
  });
}

const MAX_TEXT = 256;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it looks for
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/** The rule of a field without a schema: what a client sends goes onto every span and log line, so it must be small. */
function scalarCheck(name: string): ParsedField['check'] {
  const broken = [
    {
      pointer: `/${name}`,
      detail: `must be a string of 1 to ${MAX_TEXT} characters without control characters, a number or a boolean`,
    },
  ];
  return (value) => {
    const isText = typeof value === 'string' && value.length <= MAX_TEXT && !CONTROL.test(value);
    return isText || Number.isFinite(value) || typeof value === 'boolean' ? undefined : broken;
  };
}

function ruleCheck(schema: JsonSchema, place: string, name: string): ParsedField['check'] {
  const check = compileSchema(schema, place);
  const rule = ownMember(schema as JsonObject, 'description');
  const pointer = `/${name}`;
  return (value) => {
    const errors = check(value, pointer);
    if (typeof rule !== 'string') return errors;
    return errors?.map((error) =>
      error.pointer === pointer ? { pointer, detail: `must be ${rule}` } : error,
    );
  };
}

function refuseDuplicates(place: string, names: readonly string[]): void {
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw configError(place, 'must be unique', twice);
}

/** The session's field, parsed. */
export const SESSION_FIELD: ParsedField = compileField(sessionId, 'sessionId');

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

function attributeValue(value: unknown): AttributeValue {
  return typeof value === 'object' ? JSON.stringify(value) : (value as AttributeValue);
}

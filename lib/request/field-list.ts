/** The `fields` option goes in, ready-made checks and span attributes come out: one entry declares all a field has. */
import { configError } from '../shared/errors.js';
import { isBlank, isJsonObject, type JsonObject, ownMember } from '../shared/json.js';
import { refuseInherited } from '../shared/option-parsing.js';
import { compileSchema, type JsonSchema } from '../shared/schema.js';
import type { JsonSchemaValue } from '../shared/schema-types.js';
import { DATA_FIELDS, type EnvelopeField, type FieldSchema, sessionId } from './field.js';
import { attributeValue, type ParsedField, SESSION_FIELD } from './parsed-field.js';

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

/** Without a schema a field is a scalar. */
type FieldValue<S> = S extends JsonSchema ? JsonSchemaValue<S> : string | number | boolean;

/**
 * Declares a field of the envelope once, for `agentEnvelope({ fields })` and for `bind()`, which binds it by its name and types it
 * by its schema.
 *
 * @param declaration - `name`, and what an {@link EnvelopeField} may have besides
 * @returns the field, frozen
 * @throws TypeError at once, for what the `fields` of `agentEnvelope()` would refuse: a name that is reserved or breaks the rule, a
 * schema that cannot be compiled, an attribute without a name, an unknown member
 * @example
 * ```ts
 * const tenant = envelopeField({ name: 'tenant', schema: { type: 'string', maxLength: 64 }, attribute: 'app.tenant' });
 * app.use(agentEnvelope({ fields: [sessionId, tenant] }));
 * app.post('/invoke', bind([sessionId, tenant, 'inputs'], ({ tenant, inputs }) => answer(tenant, inputs)));
 * ```
 */
export function envelopeField<
  const Name extends string,
  const S extends FieldSchema | undefined = undefined,
>(
  declaration: Omit<EnvelopeField<Name>, 'schema' | '~value'> & { readonly schema?: S },
): EnvelopeField<Name, FieldValue<S>> {
  const place = 'envelopeField: field';
  if (!isJsonObject(declaration)) {
    throw configError(place, 'must be { name, schema?, attribute? }', declaration);
  }
  if (declaration.name === sessionId.name) {
    throw configError(`${place}.name`, 'is what sessionId is for', declaration.name);
  }
  parseDeclared(declaration, place);
  return Object.freeze({ ...declaration });
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
    fields.flatMap(({ attribute }) => attribute ?? []),
  );
  return Object.freeze(fields);
}

function parseField(entry: unknown, index: number, place: string): ParsedField {
  const field = typeof entry === 'string' ? { name: entry } : entry;
  if (!isJsonObject(field)) {
    throw configError(place, 'must be a name or { name, schema?, attribute? }', entry);
  }
  return index === 0 ? parsedSessionId(field, place) : parseDeclared(field, place);
}

function parseDeclared(field: JsonObject, place: string): ParsedField {
  const stranger = Object.keys(field).find((member) => !MEMBERS.includes(member));
  if (stranger !== undefined) {
    throw configError(place, 'takes name, schema and attribute only', stranger);
  }
  refuseInherited(place, field, MEMBERS);
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
  return compileField({ name, schema: schema as FieldSchema | undefined, attribute }, place);
}

/** The first entry is `sessionId` itself: its rule is part of the wire, so no app can declare a laxer one. */
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
  const checkRule =
    schema === undefined ? scalarCheck(name) : ruleCheck(schema, `${place}.schema`, name);
  return Object.freeze({
    name,
    attribute,
    check: (value: unknown) => {
      try {
        const errors = checkRule(value);
        // Convert the value once now, while a failure can still be reported: as an attribute it becomes JSON text.
        if (attribute !== undefined && errors === undefined) attributeValue(value);
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

/** A JSON Schema goes in, a function that lists the broken rules of a value comes out. The only file that knows ajv. */
import type { AnySchemaObject, ErrorObject, Options } from 'ajv';
import drafts from './drafts.cjs';
import { configError, type ErrorDetail } from './errors.js';
import { ownMember } from './json.js';
import { overflowFault } from './overflow.js';
import { escapePointer } from './pointer.js';
import { warnOfCost } from './schema-cost.js';
import { annotationsOf } from './schema-keywords.js';
import { refuseBesideRef, refuseMisjudged } from './schema-refusals.js';
import { isStandard } from './standard-schema.js';

/** A JSON Schema object: draft-07, or 2019-09 or 2020-12 where its `$schema` says so. TypeBox schemas are such objects. */
export type JsonSchema = object;

/** Lists the rules that `value` breaks, each pointer starting with `at`; `undefined` when it breaks none. */
export type SchemaCheck = (value: unknown, at: string) => ErrorDetail[] | undefined;

const OPTIONS: Options = {
  // A misspelt keyword or an unknown format would check nothing: it is refused when the schema is compiled.
  strict: true,
  strictTypes: false,
  strictTuples: false,
  strictRequired: false,
  // Client input is never read through its prototype: `required: ['constructor']` means an own member.
  ownProperties: true,
  logger: false,
  // Disabled options are set explicitly: unset ones would be read through a polluted prototype.
  // `allErrors` would do work without a bound on untrusted data.
  allErrors: false,
  // `verbose` would copy submitted values into the errors.
  verbose: false,
  // These three would change the body.
  useDefaults: false,
  coerceTypes: false,
  removeAdditional: false,
  // `$data` would let limits and patterns be read from the body.
  $data: false,
};

/** Each draft by the part of its `$schema` that people agree on: they write http or https, with and without `#`. */
const DRAFTS = [
  ['draft-07', 'http://json-schema.org/draft-07/schema', drafts.draft07],
  ['draft/2019-09', 'https://json-schema.org/draft/2019-09/schema', drafts.draft2019],
  ['draft/2020-12', 'https://json-schema.org/draft/2020-12/schema', drafts.draft2020],
] as const;

/**
 * Compiles a schema, once, when a route or a field is declared. A schema whose check a client can make very slow causes a warning
 * through OTel's `diag`, as `COSTLY_SCHEMA`.
 *
 * @param place - where the schema is written, for the error
 * @throws TypeError when it is not a schema, or ajv's strict mode refuses it
 */
export function compileSchema(schema: JsonSchema, place: string): SchemaCheck {
  if (isStandard(schema)) {
    const rule =
      'must be a JSON Schema: only inputs, outputs and parameters take a Standard Schema';
    throw configError(place, rule, schema);
  }
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) {
    throw configError(place, 'must be a JSON Schema object', schema);
  }
  const [$async, $schema] = ['$async', '$schema'].map((name) =>
    ownMember(schema as AnySchemaObject, name),
  );
  if ($async !== undefined) throw configError(place, 'must be a synchronous schema', schema);
  const [, $id, loadDraft] = draftOf($schema, place);
  const Draft = loadDraft();
  try {
    // An instance for each schema: two routes may use one `$id`, and a schema that was refused is not remembered as known.
    const ajv = new Draft({ ...OPTIONS, formats: drafts.formats() }).addVocabulary(
      annotationsOf(schema),
    );
    refuseMisjudged(schema);
    if (loadDraft === drafts.draft07) refuseBesideRef(schema, Object.keys(ajv.RULES.all));
    const validate = ajv.compile($schema === undefined ? schema : { ...schema, $schema: $id });
    warnOfCost(schema, place);
    return (value, at) => {
      try {
        // `validate.errors` is overwritten by the next call, so it is turned into our own shape at once.
        return validate(value) ? undefined : (validate.errors ?? []).map((e) => toDetail(e, at));
      } catch (cause) {
        return overflowFault(cause, value, at);
      }
    };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TypeError(`${place} is not a schema that can be checked: ${reason}`, { cause });
  }
}

function draftOf($schema: unknown, place: string): (typeof DRAFTS)[number] {
  if ($schema === undefined) return DRAFTS[0];
  const [, name] = /^https?:\/\/json-schema\.org\/(.+)\/schema#?$/.exec(String($schema)) ?? [];
  const draft = DRAFTS.find(([known]) => known === name);
  if (draft !== undefined) return draft;
  const known = DRAFTS.map(([, id]) => id).join(', ');
  throw configError(place, `must have a $schema of ${known}`, $schema);
}

/** The keywords whose fault is a member, not the object: the pointer names that member. */
const MEMBER_PARAMS = [
  ['missingProperty', 'is required'],
  ['additionalProperty', 'is not a known member'],
  ['unevaluatedProperty', 'is not a known member'],
  ['propertyName', 'has a name that is not allowed'],
] as const;

function toDetail(error: ErrorObject, at: string): ErrorDetail {
  const pointer = at + error.instancePath;
  for (const [param, detail] of MEMBER_PARAMS) {
    const member: unknown = error.params[param];
    if (typeof member === 'string')
      return { pointer: `${pointer}/${escapePointer(member)}`, detail };
  }
  // The schema's own values, not the client's: ajv leaves them out of its message.
  const { allowedValues } = error.params as { allowedValues?: readonly unknown[] };
  if (allowedValues !== undefined) {
    const shown = allowedValues.map((value) => JSON.stringify(value)).join(', ');
    return { pointer, detail: `must be one of ${shown}` };
  }
  return { pointer, detail: error.message ?? `breaks the rule "${error.keyword}"` };
}

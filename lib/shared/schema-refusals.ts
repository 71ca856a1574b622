/** A JSON Schema goes in; an error comes out where ajv would judge a value otherwise than the draft says. */
import { isJsonObject, type JsonObject, ownMember } from './json.js';
import { unescapePointer } from './pointer.js';
import { schemasIn } from './schema-keywords.js';

/** @throws Error naming the keyword, and what to write instead */
export function refuseMisjudged(schema: object): void {
  const [root = {}, ...inner] = schemasIn(schema);
  for (const one of [root, ...inner]) {
    const skipped = ownMember(one, '__proto__');
    // ajv skips the name, lest it writes to a prototype; an empty schema loses nothing by it.
    if (skipped === false || Object.keys(Object(skipped)).length > 0)
      throw new Error('a member named __proto__ is not checked');
    refuseUnevaluated(one, root);
  }
  refuseDynamicReferences(root, inner);
}

/**
 * Draft-07 ignores what stands beside a `$ref`; ajv does not, and whoever wrote it there does not want it ignored.
 *
 * @throws Error naming the keyword
 */
export function refuseBesideRef(schema: object, rules: readonly string[]): void {
  const [root, ...inner] = schemasIn(schema);
  const besideRef = (one: JsonObject | undefined, names: readonly string[]) =>
    isText(one?.$ref) && names.find((name) => name !== '$ref' && Object.hasOwn(one, name));
  // The root's own name does no harm; and a comment is no rule.
  const checked = rules.filter((name) => name !== '$comment');
  const ignored =
    besideRef(root, checked) ||
    inner.map((one) => besideRef(one, ['$id', ...checked])).find(isText);
  if (isText(ignored)) {
    throw new Error(`draft-07 ignores ${ignored} beside a $ref: put the $ref into an allOf`);
  }
}

/** A dynamic reference is followed only where it leads to the root of the one document. */
function refuseDynamicReferences(root: JsonObject, inner: readonly JsonObject[]): void {
  for (const { $dynamicRef, $recursiveRef } of [root, ...inner]) {
    const leadsToRoot =
      $dynamicRef === `#${root.$dynamicAnchor}` &&
      !inner.some(({ $dynamicAnchor }) => $dynamicAnchor === root.$dynamicAnchor);
    if ($dynamicRef !== undefined && !leadsToRoot) throw cannotFollow('$dynamicRef');
    if ($recursiveRef !== undefined && inner.some(({ $id }) => isText($id))) {
      throw cannotFollow('$recursiveRef');
    }
  }
}

function cannotFollow(keyword: string): Error {
  return new Error(`a ${keyword} is followed only to the root of the one schema: use $ref`);
}

const REFERENCES = ['$ref', '$dynamicRef', '$recursiveRef'];
const CONDITIONAL = ['anyOf', 'oneOf', 'if', 'dependentSchemas'];

/** Each with what it cannot be followed together with, in any schema of the same value, and what to write instead. */
const UNEVALUATED = [
  ['unevaluatedItems', ['contains', ...CONDITIONAL], 'use items and maxItems'],
  ['unevaluatedProperties', CONDITIONAL, 'use additionalProperties in each case'],
] as const;

/**
 * ajv counts what was evaluated by a case that did not hold, loses what was evaluated before it, or fails on a value. Through
 * `allOf` and references its account is right.
 */
function refuseUnevaluated(schema: JsonObject, root: JsonObject): void {
  for (const [name, wrong, remedy] of UNEVALUATED) {
    const value = ownMember(schema, name);
    if (value === undefined || value === true) continue;
    for (const part of ofSameValue(schema, root)) {
      const keyword = wrong.find((one) => Object.hasOwn(part, one));
      if (keyword !== undefined)
        throw new Error(`${name} cannot be followed together with ${keyword}: ${remedy}`);
    }
  }
}

/** `schema`, and what it refers to or combines to judge the same value; not through {@link CONDITIONAL}, which is refused. */
function ofSameValue(schema: JsonObject, root: JsonObject): JsonObject[] {
  const parts = new Set<unknown>([schema]);
  for (const part of parts) {
    if (!isJsonObject(part)) continue;
    const members = [ownMember(part, 'allOf') ?? []].flat();
    const targets = REFERENCES.flatMap((name) => targetsOf(ownMember(part, name), root));
    for (const other of [...members, ...targets]) parts.add(other);
  }
  return [...parts].filter(isJsonObject);
}

/** Where a reference may lead: a pointer to its one place, a name to anywhere. */
function targetsOf(reference: unknown, root: JsonObject): unknown[] {
  if (!isText(reference)) return [];
  const pointer = /^#((?:\/.*)?)$/.exec(reference)?.[1];
  if (pointer === undefined) return schemasIn(root);
  const segments = pointer.split('/').slice(1).map(decodeURIComponent).map(unescapePointer);
  return [segments.reduce<unknown>((at, name) => ownMember(Object(at) as JsonObject, name), root)];
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

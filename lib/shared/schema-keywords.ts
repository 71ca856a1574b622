/** A JSON Schema goes in; what ajv must be told of its keywords comes out. */
import { isJsonObject } from './json.js';

/** Keywords that say something to people and tools, and check nothing. ajv knows the others of that kind itself. */
const ANNOTATIONS = ['$anchor', 'discriminator', 'example', 'externalDocs', 'xml'];

/** The keywords of a schema that check nothing: OpenAPI's, and each `x-…` that it uses. */
export function annotationsOf(schema: object): string[] {
  const extensions = schemasIn(schema).flatMap(Object.keys).filter(isExtension);
  return [...new Set([...ANNOTATIONS, ...extensions])];
}

function isExtension(name: string): boolean {
  // What ajv takes for the name of a keyword.
  return /^x-[\w$:-]*$/i.test(name);
}

/**
 * ajv finds a `$dynamicRef` only if it is `#name`, and that name a `$dynamicAnchor` of the same document; where there are
 * several, it fails when a value is checked, or takes the wrong one.
 *
 * @throws Error for what it could not follow
 */
export function refuseDynamicReferences(schema: object): void {
  const all = schemasIn(schema);
  for (const { $dynamicRef } of all) {
    if ($dynamicRef === undefined) continue;
    const anchors = all.filter(({ $dynamicAnchor }) => `#${$dynamicAnchor}` === $dynamicRef);
    if (anchors.length !== 1) {
      throw new Error(`$dynamicRef ${JSON.stringify($dynamicRef)} cannot be followed: use $ref`);
    }
  }
}

/** Every object inside, itself first: some are no schemas, as that of `properties`, and do no harm. */
function schemasIn(schema: object): Record<string, unknown>[] {
  const found = new Set<unknown>([schema]);
  for (const one of found) {
    for (const value of Object.values(one as object)) {
      if (Array.isArray(value) || isJsonObject(value)) found.add(value);
    }
  }
  return [...found].filter(isJsonObject);
}

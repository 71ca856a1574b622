/** A JSON Schema goes in; the keywords that ajv must be configured with come out. */
import { isJsonObject } from './json.js';

/** Keywords that say something to people and tools, and check nothing. ajv knows the others of that kind itself. */
const ANNOTATIONS = ['$anchor', 'discriminator', 'example', 'externalDocs', 'xml'];

/** The keywords of a schema that check nothing: OpenAPI's, and each `x-…` that it uses. */
export function annotationsOf(schema: object): string[] {
  const extensions = schemasIn(schema).flatMap(Object.keys).filter(isExtension);
  return [...new Set([...ANNOTATIONS, ...extensions])];
}

function isExtension(name: string): boolean {
  // The names that ajv accepts for a keyword.
  return /^x-[\w$:-]*$/i.test(name);
}

/**
 * ajv follows a dynamic reference only where it leads to the root of the one document: elsewhere ajv fails
 * when a value is checked, or judges the value wrongly.
 *
 * @throws Error for a `$dynamicRef` or `$recursiveRef` that it could not follow
 */
export function refuseDynamicReferences(schema: object): void {
  const [root, ...inner] = schemasIn(schema);
  for (const { $dynamicRef, $recursiveRef } of [root ?? {}, ...inner]) {
    const leadsToRoot =
      $dynamicRef === `#${root?.$dynamicAnchor}` &&
      !inner.some(({ $dynamicAnchor }) => $dynamicAnchor === root?.$dynamicAnchor);
    if ($dynamicRef !== undefined && !leadsToRoot) throw cannotFollow('$dynamicRef');
    if ($recursiveRef !== undefined && inner.some(({ $id }) => typeof $id === 'string')) {
      throw cannotFollow('$recursiveRef');
    }
  }
}

function cannotFollow(keyword: string): Error {
  return new Error(`a ${keyword} is followed only to the root of the one schema: use $ref`);
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

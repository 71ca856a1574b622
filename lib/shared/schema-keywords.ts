/** A JSON Schema goes in; the keywords that ajv must be configured with come out. */
import { isJsonObject, type JsonObject } from './json.js';

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

/** Every object inside, itself first: some are no schemas, as that of `properties`, and do no harm. */
export function schemasIn(schema: object): JsonObject[] {
  const found = new Set<unknown>([schema]);
  for (const one of found) {
    for (const value of Object.values(one as object)) {
      if (Array.isArray(value) || isJsonObject(value)) found.add(value);
    }
  }
  return [...found].filter(isJsonObject);
}

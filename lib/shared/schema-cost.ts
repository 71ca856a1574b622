/** Warns through `diag` for each keyword that lets a client choose how long the check of a JSON Schema takes. */
import { diag } from '@opentelemetry/api';
import { isJsonObject, type JsonObject, ownMember } from './json.js';
import { backtracksWithoutEnd } from './pattern-cost.js';
import { orUndefined } from './thrown.js';

/** Members are schemas, under names that the app chose. */
const MAPS = ['properties', 'patternProperties', 'definitions', '$defs', 'dependentSchemas'];
/** Members are values, not schemas. */
const VALUES = ['const', 'enum', 'default', 'examples'];

/**
 * Warns, with the code `COSTLY_SCHEMA`, the place and the remedy. It does not refuse: whether such a schema does harm depends on
 * the limit of the body and on who may send it, and what looks harmful may be harmless.
 *
 * Found: `uniqueItems` on arrays or objects without `maxItems`: ajv compares each item with each other one; patterns that
 * backtrack without end, as far as {@link backtracksWithoutEnd} sees them. Not found: patterns in a schema of another file or
 * reached by `$dynamicRef`, and patterns that merely take long for long text; `maxLength`, `maxItems`
 * and the body's limit are the remedies there.
 *
 * @param place - where the schema is written
 */
export function warnOfCost(schema: object, place: string): void {
  visit(schema, place);
}

function visit(schema: unknown, place: string): void {
  if (Array.isArray(schema)) {
    schema.forEach((member, i) => {
      visit(member, `${place}/${i}`);
    });
  }
  if (!isJsonObject(schema)) return;
  checkUniqueItems(schema, place);
  checkPattern(ownMember(schema, 'pattern'), `${place}/pattern`);
  for (const [keyword, value] of Object.entries(schema)) {
    const at = `${place}/${keyword}`;
    if (MAPS.includes(keyword) && isJsonObject(value)) visitMap(value, keyword, at);
    else if (!VALUES.includes(keyword)) visit(value, at);
  }
}

function visitMap(map: JsonObject, keyword: string, place: string): void {
  for (const [name, schema] of Object.entries(map)) {
    const at = `${place}/${name}`;
    if (keyword === 'patternProperties') checkPattern(name, at);
    visit(schema, at);
  }
}

/** ajv compares scalars by a table, anything else with a deep comparison of each pair. */
function checkUniqueItems(schema: JsonObject, place: string): void {
  if (ownMember(schema, 'uniqueItems') !== true || ownMember(schema, 'maxItems') !== undefined) {
    return;
  }
  const items = ownMember(schema, 'items');
  const types = isJsonObject(items) ? [ownMember(items, 'type')].flat() : [];
  if (types[0] !== undefined && !types.some((type) => type === 'object' || type === 'array'))
    return;
  warn(
    `${place}/uniqueItems`,
    'compares each item with each: add maxItems, or a scalar type of the items',
  );
}

function checkPattern(pattern: unknown, place: string): void {
  if (typeof pattern !== 'string') return;
  // A definition that nothing refers to was never compiled, and may be no pattern at all.
  if (orUndefined(() => backtracksWithoutEnd(pattern)) !== true) return;
  warn(
    place,
    'can be read in more ways than can be tried: a text of 40 characters may take years; take a repetition out of a repetition',
  );
}

function warn(place: string, rule: string): void {
  diag.warn(`express-agent-envelope COSTLY_SCHEMA: ${place} ${rule}`);
}

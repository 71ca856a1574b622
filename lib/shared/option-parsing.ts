/** Public options and a table of parsers go in, a complete and frozen configuration comes out. */
import { configError } from './errors.js';
import { isJsonObject, ownMember } from './json.js';

/**
 * One parser an option: it gets the value, or `undefined` for the default, and returns what the configuration holds or throws.
 * The compiler refuses a table in which an option is missing or unknown.
 */
export type Parsers<Configuration> = {
  readonly [Name in keyof Configuration]-?: (value: unknown) => Configuration[Name];
};

/**
 * Parses options. An explicit `undefined` is the default, and so is what is found on `Object.prototype`: the app did not write it.
 *
 * @param place - what takes them, e.g. `remote: options`
 * @throws TypeError for options that are not an object, for an unknown one and for one of a class or another prototype; what the
 * parsers throw
 */
export function parseConfiguration<Configuration extends object>(
  place: string,
  parsers: Parsers<Configuration>,
  options: unknown = {},
): Configuration {
  // A Map's entries are no members: they would all be dropped.
  if (!isJsonObject(options) || Symbol.iterator in options) {
    throw configError(place, 'must be an object', options);
  }
  const known = Object.keys(parsers);
  refuseInherited(place, options, known);
  const stranger = Object.keys(options).find((name) => !known.includes(name));
  if (stranger !== undefined) {
    throw configError(place, `must be among ${known.join(', ')}`, stranger);
  }
  const parsed = Object.entries<(value: unknown) => unknown>(parsers).map(([name, parse]) => [
    name,
    parse(ownMember(options, name)),
  ]);
  return Object.freeze(Object.fromEntries(parsed));
}

/** @throws TypeError for a member of a prototype: only own ones are read, and the rule that it is would be dropped */
export function refuseInherited(place: string, object: object, names: readonly string[]): void {
  const inherited = names.find((name) => isInherited(object, name));
  if (inherited !== undefined)
    throw configError(place, 'must have each member of its own', inherited);
}

/** True for a member of a class or of an object of defaults: the app did write it. `Object.prototype` is nobody's own. */
function isInherited(object: object, name: string): boolean {
  if (Object.hasOwn(object, name) || !(name in object)) return false;
  let holder = object;
  while (!Object.hasOwn(holder, name)) holder = Object.getPrototypeOf(holder);
  return Object.getPrototypeOf(holder) !== null;
}

/** @throws TypeError for what is no URL to call: `fetch` refuses credentials in it */
export function parseHttpUrl(place: string, value: unknown): URL {
  const url = URL.canParse(String(value)) ? new URL(String(value)) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol) && !url.username && !url.password) {
    return url;
  }
  // Errors at start go into logs: a password in a URL does not belong there.
  const shown = url?.password || url?.username ? `${url.origin}, with credentials` : value;
  throw configError(place, 'must be an http: or https: URL without credentials', shown);
}

const MAX_TIMEOUT = 2 ** 31 - 1;

/** A whole number of milliseconds that a timer can wait. @throws TypeError for anything else */
export function parseTimeout(place: string, value: unknown): number {
  if (Number.isInteger(value) && Number(value) >= 1 && Number(value) <= MAX_TIMEOUT) {
    return Number(value);
  }
  throw configError(place, `must be a whole number from 1 to ${MAX_TIMEOUT}`, value);
}

/** What body-parser's `bytes` reads; it silently drops the limit for anything else. */
const BYTES = /^\d+(?:\.\d+)? *(?:b|kb|mb|gb)?$/i;

/** The largest body to parse; without a value 1 MB. @throws TypeError for what is no positive size */
export function parseBodyLimit(place: string, value: unknown = '1mb'): string | number {
  const valid =
    typeof value === 'string'
      ? BYTES.test(value) && Number.parseFloat(value) > 0
      : typeof value === 'number' && Number.isFinite(value) && value > 0;
  if (valid) return value as string | number;
  throw configError(place, "must be a positive number of bytes or a size like '1mb'", value);
}

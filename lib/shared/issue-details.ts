/** What a Standard Schema says of a value, and the value, go in; places and rules come out, with nothing that the client sent. */
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { type ErrorDetail, MAX_ERRORS } from './errors.js';
import { escapePointer } from './pointer.js';
import { readMember } from './thrown.js';

const NO_FIT = 'does not fit the schema';
const UNKNOWN_MEMBER = 'is not a known member';

/** A message may be long, and is compared with all that was sent. */
const MAX_MESSAGE = 256;
/** Of a larger value, only messages without a word of the app's own are shown: comparing would take too long. */
const MAX_SENT = 65_536;

/**
 * A schema's message may quote the value, whole or in part, or a member beside it. So a message is shown only where each of its words
 * is the library's, the schema's or the pointer's, or occurs in nothing that was sent.
 */
export function issueDetails(
  issues: readonly StandardSchemaV1.Issue[],
  value: unknown,
  at: string,
): ErrorDetail[] {
  if (issues.length === 0) return [{ pointer: at, detail: NO_FIT }];
  let sent: string | undefined;
  const details = issues.slice(0, MAX_ERRORS).flatMap((issue) => {
    // Not `map`: ArkType's path is an array of its own kind.
    const path = Array.from(issue.path ?? [], (segment) =>
      String(typeof segment === 'object' ? segment.key : segment),
    );
    const pointer = pointerOf(at, path);
    const unknown = unknownKeys(issue);
    if (unknown) {
      return unknown.map((key) => ({ pointer: pointerOf(pointer, [key]), detail: UNKNOWN_MEMBER }));
    }
    sent ??= textOf(value);
    const message = String(issue.message).slice(0, MAX_MESSAGE).replace(RECEIVED, '');
    const shown = message !== '' && !quotes(message, rulesOf(issue), path, sent);
    return [{ pointer, detail: shown ? message : NO_FIT }];
  });
  return details.slice(0, MAX_ERRORS);
}

function pointerOf(at: string, path: readonly string[]): string {
  return at + path.map((key) => `/${escapePointer(key)}`).join('');
}

/** Zod reports unknown members at their parent, with their names in the message: a pointer tells it better. */
function unknownKeys(issue: object): string[] | undefined {
  const keys = readMember(issue, 'code') === 'unrecognized_keys' && readMember(issue, 'keys');
  return Array.isArray(keys) && keys.length > 0 ? keys.map(String) : undefined;
}

/** How Zod (`, received …`), Valibot (` but received …`, `: Received …`) and ArkType (` (was …)`) quote the submitted value. */
const RECEIVED = /(?:,|:| but) received\b.*| \(was\b.*/is;

/** Where Zod, Valibot and ArkType keep the limit, the pattern or the choices of the rule that is broken: they are the schema's own. */
const RULE_MEMBERS = ['minimum', 'maximum', 'divisor', 'pattern', 'values', 'requirement', 'rule'];

function rulesOf(issue: object): string[] {
  const rules = RULE_MEMBERS.flatMap((name) => readMember(issue, name));
  return rules.filter((rule) => rule != null && !isPlain(rule)).map(String);
}

const isPlain = (value: unknown) => typeof value === 'object' && !(value instanceof RegExp);

/** A backslash, `%41` or `&quot;` spells a value in other characters than it was sent in. */
const ESCAPE = /\\|%[\da-f]{2}|&#?\w+;/i;

function quotes(
  message: string,
  rules: string[],
  path: readonly string[],
  sent: string | undefined,
): boolean {
  const rest = rules.filter((rule) => rule.length > 3).reduce(without, message);
  if (ESCAPE.test(rest)) return true;
  const known = new Set([...LIBRARY_WORDS, ...[...rules, ...path].flatMap(wordsOf)]);
  const own = wordsOf(rest).filter((word) => !known.has(word));
  if (own.length === 0) return false;
  if (sent === undefined) return true;
  const sentWords = new Set(wordsOf(sent));
  const text = own.join(' ');
  return (
    own.some((word) => (isTelling(word) ? sent.includes(word) : sentWords.has(word))) ||
    [...sentWords].some((word) => word.length > 3 && !known.has(word) && text.includes(word))
  );
}

const without = (text: string, rule: string) => text.replaceAll(rule, ' ');

/** A piece of a number, or four letters of a word, tell something of it; "is" in "this" does not. */
const isTelling = (word: string) => word.length > 3 || /\p{N}/u.test(word);

function wordsOf(text: string): string[] {
  return plain(text).match(/[\p{L}\p{N}]+/gu) ?? [];
}

const plain = (text: string) => text.normalize('NFKC').toLowerCase();

/** No script puts as many marks onto one letter. To normalize more of them takes a time that is quadratic in their number. */
const STACKED_MARKS = /[\p{M}\uff9e\uff9f]{32}/u;

/** All names, texts and numbers of what was sent; `undefined` for what would take too long. */
function textOf(value: unknown): string | undefined {
  let text = '';
  const found = new Set([value]);
  for (const one of found) {
    if (text.length > MAX_SENT) break;
    if (typeof one === 'object' && one !== null) {
      if (!Array.isArray(one)) text += ` ${Object.keys(one).join(' ')}`;
      for (const inner of Object.values(one)) found.add(inner);
    } else if (typeof one !== 'boolean' && one != null) text += ` ${String(one)}`;
  }
  return text.length > MAX_SENT || STACKED_MARKS.test(text) ? undefined : plain(text);
}

/** The words of the three libraries' own messages, which tell nothing of a value even where it has them, too. */
const LIBRARY_WORDS = wordsOf(`
  a address after an and array at base64 base64url be before bigint boolean but bytes characters cidr code cuid date datetime day
  duration element email emoji encoded end entries exactly expected false file function have id in include input integer invalid
  ip ipv4 ipv6 is iso item items json jwt key keys least length less letters map match matched matching mime missing more most multiple
  must nan nanoid negative never non not null number numeric object of one option or pattern phone positive record regex removed required
  safe set size start string symbol than time timestamp to too small big true tuple type ulid undefined union unknown unrecognized url uuid
  valid value values version with xid digits date only alphanumeric
`);

/** A Standard Schema (Zod, Valibot, ArkType) goes in; a function that gives back its output, or the broken rules, comes out. */
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { configError, EnvelopeError, type ErrorDetail, MAX_ERRORS } from './errors.js';
import { escapePointer } from './pointer.js';

export type MaybePromise<T> = T | Promise<T>;

/** What a schema made of a value: the value to go on with, or the rules that it breaks. */
export type Checked =
  | { readonly value: unknown; readonly errors?: undefined }
  | { readonly errors: readonly ErrorDetail[]; readonly value?: undefined };

/** Goes on at once where nothing has to be waited for: most requests cost no promise. */
export function whenDone<T, R>(
  value: MaybePromise<T>,
  next: (value: T) => MaybePromise<R>,
): MaybePromise<R> {
  return value instanceof Promise ? value.then(next) : next(value);
}

/** True for a value that declares itself a Standard Schema: also for a function, as ArkType's are. */
export function isStandard(schema: unknown): schema is StandardSchemaV1 {
  const mayHave = typeof schema === 'function' || (typeof schema === 'object' && schema !== null);
  return mayHave && '~standard' in schema;
}

/**
 * Makes a check of a Standard Schema.
 *
 * @param place - where the schema is written, for the error
 * @throws TypeError for a version other than 1
 */
export function compileStandard(
  schema: StandardSchemaV1,
  place: string,
): (value: unknown, at: string) => MaybePromise<Checked> {
  const standard = schema['~standard'];
  if (standard?.version !== 1 || typeof standard.validate !== 'function') {
    throw configError(place, 'must be a Standard Schema of version 1', schema);
  }
  return (value, at) => {
    const fail = (cause: unknown): never => {
      // The client's nesting may have caused an overflow: the caller, which knows the request, decides.
      if (cause instanceof RangeError) throw cause;
      throw new EnvelopeError('INTERNAL_ERROR', `The schema of ${place} has failed`, { cause });
    };
    const read = (result: StandardSchemaV1.Result<unknown>): Checked =>
      result.issues === undefined
        ? { value: result.value }
        : { errors: toDetails(result.issues, value, at) };
    try {
      const result = standard.validate(value);
      // Any thenable, as `await` would take it.
      return 'then' in result ? Promise.resolve(result).then(read).catch(fail) : read(result);
    } catch (cause) {
      return fail(cause);
    }
  };
}

const NO_FIT = 'does not fit the schema';

function toDetails(
  issues: readonly StandardSchemaV1.Issue[],
  value: unknown,
  at: string,
): ErrorDetail[] {
  if (issues.length === 0) return [{ pointer: at, detail: NO_FIT }];
  return issues.slice(0, MAX_ERRORS).map(({ message, path }) => {
    // Not `map`: ArkType's path is an array of its own kind.
    const keys = Array.from(path ?? [], (segment) =>
      typeof segment === 'object' ? segment.key : segment,
    );
    const pointer = at + keys.map((key) => `/${escapePointer(String(key))}`).join('');
    const rule = String(message).replace(RECEIVED, '');
    const shown = rule === '' || quotes(rule, valueAt(value, keys)) ? NO_FIT : rule;
    return { pointer, detail: shown };
  });
}

/** How Zod (`, received …`), Valibot (` but received …`, `: Received …`) and ArkType (` (was …)`) quote the submitted value. */
const RECEIVED = /(?:,|:| but) received\b.*| \(was\b.*/is;

function valueAt(value: unknown, keys: readonly PropertyKey[]): unknown {
  return keys.reduce(
    (inner, key) => (Object.hasOwn(Object(inner), key) ? Object(inner)[key] : undefined),
    value,
  );
}

/** Whether a text has any of the texts and numbers in `value`, as separate words: in a message of another language, say. */
function quotes(text: string, value: unknown): boolean {
  const words = text.toLowerCase();
  const found = new Set([value]);
  for (const one of found) {
    if (typeof one === 'object' && one !== null)
      for (const inner of Object.values(one)) found.add(inner);
    else if (typeof one !== 'boolean' && one != null && hasWord(words, String(one))) return true;
  }
  return false;
}

function hasWord(words: string, value: string): boolean {
  const word = value.trim().toLowerCase();
  if (word === '' || word.length > words.length) return false;
  const isInside = (i: number) => /[\p{L}\p{N}]/u.test(words.charAt(i));
  for (let at = words.indexOf(word); at >= 0; at = words.indexOf(word, at + 1)) {
    if (!isInside(at - 1) && !isInside(at + word.length)) return true;
  }
  return false;
}

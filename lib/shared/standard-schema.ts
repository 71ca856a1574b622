/** A Standard Schema (Zod, Valibot, ArkType) goes in; a function that gives back its output, or the broken rules, comes out. */
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { configError, EnvelopeError, type ErrorDetail } from './errors.js';
import { issueDetails } from './issue-details.js';
import { isOverflow, overflowFault } from './overflow.js';
import { isThenable, readMember } from './thrown.js';

export type MaybePromise<T> = T | Promise<T>;

/** What a schema made of a value: the value to go on with, or the rules that it breaks. */
export type Checked =
  | { readonly value: unknown; readonly errors: undefined }
  | { readonly errors: readonly ErrorDetail[]; readonly value: undefined };

/** Each has both members of its own: none is read from a polluted `Object.prototype`. */
export const kept = (value: unknown): Checked => ({ value, errors: undefined });
export const broken = (errors: readonly ErrorDetail[]): Checked => ({ errors, value: undefined });

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
  return mayHave && readMember(schema, '~standard') !== undefined;
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
    const fail = (cause: unknown): Checked => {
      // The client's nesting may have caused it, too: the caller, which knows the request, decides.
      if (isOverflow(cause)) return broken(overflowFault(cause, value, at));
      throw new EnvelopeError('INTERNAL_ERROR', `The schema of ${place} has failed`, { cause });
    };
    const read = (result: StandardSchemaV1.Result<unknown>): Checked => {
      // ArkType's issues are inherited, so an own-property check would not do.
      const issues = readMember(result, 'issues') as StandardSchemaV1.FailureResult['issues'];
      return issues === undefined
        ? kept((result as StandardSchemaV1.SuccessResult<unknown>).value)
        : broken(issueDetails(issues, value, at));
    };
    try {
      const result = standard.validate(value);
      // Any thenable, as `await` would take it.
      return isThenable(result)
        ? Promise.resolve(result).then(read).catch(fail)
        : read(result as StandardSchemaV1.Result<unknown>);
    } catch (cause) {
      return fail(cause);
    }
  };
}

/** Anything that others threw or returned goes in; what can be read of it comes out. A getter, or a Proxy, may throw. */
import { types } from 'node:util';

/** A member of what was thrown, or `undefined` where it cannot be read. */
export function readMember(thrown: unknown, name: PropertyKey): unknown {
  return orUndefined(() => {
    const value = (Object(thrown) as Record<PropertyKey, unknown>)[name];
    // What somebody put onto `Object.prototype` is no status and no message of this error.
    const polluted = value !== undefined && value === Reflect.get(Object.prototype, name);
    return polluted && !Object.hasOwn(Object(thrown), name) ? undefined : value;
  });
}

/** The same, where it is text. */
export function readText(thrown: unknown, name: string): string | undefined {
  const value = readMember(thrown, name);
  return typeof value === 'string' ? value : undefined;
}

/** True for an object that has the member; false for anything that cannot be asked. */
export function hasMember(value: unknown, name: PropertyKey): boolean {
  if (typeof value !== 'object' || value === null) return false;
  try {
    return name in value;
  } catch {
    return false;
  }
}

/** What `read` returns, or `undefined` when it throws. */
export function orUndefined<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** The error, or one in its place that Express's own handler can read: it reads outside of any `try`, where a throw ends the process. */
export function readable(error: unknown): unknown {
  const read = orUndefined(() => {
    const { status, statusCode, headers, stack } = Object(error);
    return [status, statusCode, { ...headers }, stack, Object(error).toString()];
  });
  return read === undefined ? new Error('An error that cannot be read') : error;
}

/** True for what `AbortSignal` and the platform's own functions throw after an abort. */
export function isAbortError(thrown: unknown): boolean {
  return readMember(thrown, 'name') === 'AbortError';
}

/**
 * Calls what `prepare` returns; where it throws, the error goes to `next`. An app may have frozen `res.locals`, or replaced
 * `res.setHeader`: a throw in the body parser's callback, or after `authorize`, would end the process. What comes after
 * is called outside: Express handles its throws.
 */
export function goOn(next: (error: unknown) => void, prepare: () => () => void): void {
  let proceed: () => void;
  try {
    proceed = prepare();
  } catch (error) {
    proceed = () => next(error);
  }
  proceed();
}

/** True for what `await` would wait for. */
export function isThenable(value: unknown): boolean {
  const mayHave = (typeof value === 'object' && value !== null) || typeof value === 'function';
  return mayHave && typeof readMember(value, 'then') === 'function';
}

/**
 * For promises where none belongs: they are refused, so nobody awaits them, and their rejection would end the process.
 * Other thenables are left alone: a query that is called by its `then()` would begin.
 *
 * @param values - anything, promises or not
 */
export function disown(...values: unknown[]): void {
  for (const value of values) {
    if (types.isPromise(value)) Promise.prototype.then.call(value, undefined, () => undefined);
  }
}

/** Anything that others threw or returned goes in; what can be read of it comes out. A getter, or a Proxy, may throw. */

/** A member of what was thrown, or `undefined` where it cannot be read. */
export function readMember(thrown: unknown, name: PropertyKey): unknown {
  return orUndefined(() => (Object(thrown) as Record<PropertyKey, unknown>)[name]);
}

/** The same, where it is text. */
export function readText(thrown: unknown, name: string): string | undefined {
  const value = readMember(thrown, name);
  return typeof value === 'string' ? value : undefined;
}

/** True for an object that has the member; false for anything that cannot be asked. */
export function hasMember(value: unknown, name: PropertyKey): boolean {
  return typeof value === 'object' && value !== null && orUndefined(() => name in value) === true;
}

/** What `read` returns, or `undefined` when it throws. */
export function orUndefined<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** True for what `AbortSignal` and the platform's own functions throw after an abort. */
export function isAbortError(thrown: unknown): boolean {
  return readMember(thrown, 'name') === 'AbortError';
}

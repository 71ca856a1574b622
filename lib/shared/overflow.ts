/** What a check of a value threw goes in; the rule that the value breaks comes out, where the length of a text explains it. */
import type { ErrorDetail } from './errors.js';

/** Whether the stack has overflowed, or that of a regular expression. Node's own RangeErrors, of a status say, have a code. */
export function isOverflow(cause: unknown): cause is RangeError {
  return cause instanceof RangeError && !Object.hasOwn(cause, 'code');
}

/** Characters at which no sane expression overflows. Only after an overflow is it asked whether there are more. */
const MAX_TEXT = 65_536;

/**
 * For an overflow that a long text explains: V8 has 64 MiB to note where an expression may go back to.
 *
 * @param at - pointer of the value
 * @throws `cause`, where there is no such text
 */
export function overflowFault(cause: unknown, value: unknown, at: string): ErrorDetail[] {
  if (!isOverflow(cause)) throw cause;
  const found = new Set<unknown>([value]);
  for (const one of found) {
    if (typeof one === 'string' && one.length > MAX_TEXT) {
      return [{ pointer: at, detail: 'has a text that is too long to be checked' }];
    }
    if (typeof one !== 'object' || one === null) continue;
    for (const [name, inner] of Object.entries(one)) found.add(name).add(inner);
  }
  throw cause;
}

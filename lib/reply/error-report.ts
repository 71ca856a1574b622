/** An error goes in; what an operator needs to find its origin comes out, as text. */
import { readMember } from '../shared/thrown.js';

/** Errors wrapped in one another without an end must not fill the log. */
const MAX_CAUSES = 4;

/** The stack, and the stacks of its causes: the engine's error is the `cause` of an `ENGINE_FAILED`. */
export function reportOf(error: unknown): string {
  const texts: string[] = [];
  for (let link = error, i = 0; link !== undefined && i <= MAX_CAUSES; i += 1) {
    texts.push(`${i === 0 ? '' : '[cause] '}${stackOf(link)}`);
    link = readMember(link, 'cause');
  }
  return texts.join('\n');
}

/** The text that Express prints for an unhandled error. */
function stackOf(error: unknown): string {
  const stack = readMember(error, 'stack');
  if (typeof stack === 'string') return stack;
  try {
    return String(error);
  } catch {
    return 'An error that cannot be printed';
  }
}

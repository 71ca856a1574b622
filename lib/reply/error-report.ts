/** An error goes in; what an operator needs to find its origin comes out, as text, or on stderr. */
import type { Request } from 'express';
import { orUndefined, readMember, readText } from '../shared/thrown.js';

/** Errors wrapped in one another without an end must not fill the log. */
const MAX_STACKS = 5;

/**
 * The stack, and the stacks of what it came from: the engine's error is the `cause` of an `ENGINE_FAILED`, and a connection that
 * was refused is one of the `errors` of an `AggregateError` without a message.
 */
export function reportOf(error: unknown): string {
  const texts: string[] = [];
  const links: [label: string, error: unknown][] = [['', error]];
  for (const [label, link] of links) {
    texts.push(`${label}${stackOf(link)}`);
    if (texts.length === MAX_STACKS) break;
    const cause = readMember(link, 'cause');
    if (cause !== undefined) links.push(['[cause] ', cause]);
    for (const part of partsOf(link)) links.push(['[errors] ', part]);
  }
  return texts.join('\n');
}

/** The errors that an error is made of. Those of an `EnvelopeError` are details, which its message says. */
function partsOf(error: unknown): unknown[] {
  const errors = readMember(error, 'errors');
  const listed = orUndefined(() => (Array.isArray(errors) ? errors.slice(0, MAX_STACKS) : []));
  return (listed ?? []).filter((part) => readText(part, 'stack') !== undefined);
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

/** Prints the report where Express prints an error that nobody handles: not in a test. */
export function printFor(req: Request, error: unknown): void {
  if (req.app.get('env') !== 'test') printError(error);
}

/** Prints the report. Whatever becomes of stderr, nothing is thrown. */
export function printError(error: unknown): void {
  const { stderr } = process;
  // Nobody may read it any more, and an error event that nobody listens to would end the process.
  const ignore = (failed?: Error | null) => {
    if (failed && stderr.listenerCount('error') === 0) stderr.once('error', () => {});
  };
  orUndefined(() => stderr.write(`${reportOf(error)}\n`, ignore));
}

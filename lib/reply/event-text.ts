/** An event of a run and the writing of it go in; an error that names the member comes out where JSON cannot express it. */
import type { AgentRunResult } from '../shared/agent-run.js';
import { EnvelopeError } from '../shared/errors.js';
import { orUndefined, readMember } from '../shared/thrown.js';

/**
 * What `write` makes of an event.
 *
 * @throws {@link EnvelopeError} `ENGINE_FAILED` (502), naming the member that JSON cannot express; anything else as it is
 */
export function expressing<T>(event: object, write: () => T): T {
  try {
    return write();
  } catch (cause) {
    throw inexpressible(event, cause) ?? cause;
  }
}

type Write = (value: unknown) => unknown;

/**
 * The error for an event that could not be written, where that is the event's own fault.
 *
 * @param write - as events are written
 */
export function inexpressible(
  event: object,
  cause: unknown,
  write: Write = JSON.stringify,
): EnvelopeError | undefined {
  const fails = (value: () => unknown) => orUndefined(() => [write(value())]) === undefined;
  // A replacer of the app's that throws is no fault of the engine's.
  if (orUndefined(() => [JSON.stringify(event)]) !== undefined) return undefined;
  const member = (name: string) => (event as Record<string, unknown>)[name];
  const bad = Object.keys(event).find((name) => fails(() => member(name)));
  if (bad === undefined && !fails(() => event)) return undefined;
  const message = `The engine sent an event of the type "${member('type')}" that JSON cannot express: ${bad ?? 'toJSON()'}`;
  return new EnvelopeError('ENGINE_FAILED', message, { cause });
}

/**
 * The same for a run that could not be sent as a value, whose answer has its events as parts: one fault has one status, whichever the
 * media type.
 */
export function faultOfAnswer(
  { messages }: AgentRunResult,
  error: unknown,
  write: Write,
): EnvelopeError | undefined {
  if (readMember(error, 'code') !== 'INVALID_OUTPUT') return undefined;
  const { content } = messages.at(-1) ?? {};
  for (const part of Array.isArray(content) ? content : []) {
    const fault = inexpressible(part, error, write);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

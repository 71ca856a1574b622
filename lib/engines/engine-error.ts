/** What went wrong with an engine goes in, the `ENGINE_FAILED` that a run rejects with comes out. */
import { EnvelopeError, type EnvelopeErrorOptions } from '../shared/errors.js';

/**
 * An `ENGINE_FAILED`: 502, or 504 where `options.status` says so.
 *
 * @param message - what happened, without any text of the conversation
 */
export function engineFailed(message: string, options?: EnvelopeErrorOptions): EnvelopeError {
  return new EnvelopeError('ENGINE_FAILED', message, options);
}

/** The engine was too slow: a 504. */
export function engineLate(message: string): EnvelopeError {
  return engineFailed(message, { status: 504 });
}

/** What an engine threw, as the run rejects with it: an error of this package as it is, any other only as the cause. */
export function toEngineError(engineName: string, error: unknown): EnvelopeError {
  if (error instanceof EnvelopeError) return error;
  return engineFailed(`The engine "${engineName}" failed`, { cause: error });
}

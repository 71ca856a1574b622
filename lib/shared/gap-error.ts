/** How many events of a run are missing goes in; the error for whoever needs all of them comes out. */
import { EnvelopeError } from './errors.js';

/** For a value, and for a client whose protocol has no word for a gap: a part must not be taken for the whole. */
export function gapError(count: number): EnvelopeError {
  const message = `The reader of the run was too slow: ${count} of its events are no longer kept`;
  return new EnvelopeError('ENGINE_FAILED', message);
}

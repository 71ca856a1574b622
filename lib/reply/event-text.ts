/** An event of a run and the writing of it go in; an error that names the member comes out where JSON cannot express it. */
import { EnvelopeError } from '../shared/errors.js';
import { orUndefined } from '../shared/thrown.js';

/**
 * What `write` makes of an event.
 *
 * @throws {@link EnvelopeError} `ENGINE_FAILED` (502), naming the member that JSON cannot express; anything else as it is
 */
export function expressing<T>(event: unknown, write: () => T): T {
  try {
    return write();
  } catch (cause) {
    const { type, ...members } = Object(event) as Record<string, unknown>;
    const bad = Object.keys(members).find(
      (name) => orUndefined(() => [JSON.stringify(members[name])]) === undefined,
    );
    if (bad === undefined) throw cause;
    const message = `The engine sent an event of the type "${type}" that JSON cannot express: ${bad}`;
    throw new EnvelopeError('ENGINE_FAILED', message, { cause });
  }
}

/** What a run on a worker failed with goes in; it is told to the worker's own operator, in the run's session. */
import { printError } from '../../reply/error-report.js';
import { withSessionId } from '../../session/session.js';
import { EnvelopeError } from '../../shared/errors.js';
import type { OnRunError } from './options.js';

/** A run that has failed. */
interface FailedRun {
  readonly runId: string;
  readonly sessionId: string | undefined;
}

/** Tells it by `onError`, or without that on stderr, as `problemDetails()` does. Never throws, and never rejects. */
export async function tellFailure(
  error: unknown,
  { runId, sessionId }: FailedRun,
  onError: OnRunError | undefined,
): Promise<void> {
  try {
    await withSessionId(sessionId, () =>
      onError === undefined ? print(error) : onError(error, { runId }),
    );
  } catch (failure) {
    print(failure);
  }
}

/** A refusal below 500 is the client's fault. */
function print(error: unknown): void {
  const isFaultOfClient = error instanceof EnvelopeError && error.status < 500;
  if (!isFaultOfClient && process.env.NODE_ENV !== 'test') printError(error);
}

/** What a handler returned beside an answer of its own goes in; it is closed, and told once the answer has gone out. */
import type { Response } from 'express';
import type { Client } from '../request/client.js';
import { isAgentRun } from '../shared/agent-run.js';
import { EnvelopeError } from '../shared/errors.js';
import { isWebResponse } from './response.js';
import { giveUp, isStream } from './sendable.js';

/** What else is ordinary to return after an answer, besides nothing and `res`: whether `res.write()` may go on, and null. */
export function saysNothing(output: unknown): boolean {
  return output === null || typeof output === 'boolean';
}

/**
 * Waits until the answer has gone out, or its client has left: an error handler may close the connection.
 *
 * @throws {@link EnvelopeError} `INVALID_OUTPUT` (500), which nobody but the developer sees
 */
export async function tellDropped(res: Response, client: Client, output: unknown): Promise<void> {
  giveUp(output);
  if (!res.writableFinished && !client.closed) {
    await new Promise<void>((over) => {
      client.onClose(over);
      res.once('finish', over);
    });
  }
  throw new EnvelopeError(
    'INVALID_OUTPUT',
    `The handler returned ${kindOf(output)}, which is dropped: it has answered through res. Return nothing then`,
  );
}

function kindOf(output: unknown): string {
  if (isAgentRun(output)) return 'a run';
  if (isWebResponse(output)) return 'a Response';
  return isStream(output) ? 'a stream' : 'a value';
}

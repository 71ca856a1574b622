/** What a handler returned beside an answer of its own goes in; it is closed, and told once the answer has gone out. */
import { Stream } from 'node:stream';
import type { Response } from 'express';
import type { Client } from '../request/client.js';
import { isAgentRun } from '../shared/agent-run.js';
import { EnvelopeError } from '../shared/errors.js';
import { isWebResponse } from './response.js';
import { giveUp, isPlain, isStream } from './sendable.js';

/**
 * Whether something is lost with it. What ordinary code returns after an answer is no output: `res` and what it calls give (a Node
 * stream: `compression()` has its own, and a pipe has its tail), a number, a timer, a list of these.
 */
export function isLost(output: unknown): boolean {
  if (typeof output === 'string') return output !== '';
  if (Array.isArray(output)) return output.some(isLost);
  if (typeof output !== 'object' || output === null || output instanceof Stream) return false;
  return isAgentRun(output) || isWebResponse(output) || isStream(output) || isPlain(output);
}

/**
 * Waits until the answer has gone out, or its client has left: what was returned may be what the answer is made of, and an error
 * handler may close the connection.
 *
 * @throws {@link EnvelopeError} `INVALID_OUTPUT` (500), which nobody but the developer sees
 */
export async function tellDropped(res: Response, client: Client, output: unknown): Promise<void> {
  if (!res.writableFinished && !client.closed) {
    await new Promise<void>((over) => {
      client.onClose(over);
      res.once('finish', over);
    });
  }
  giveUp(output);
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

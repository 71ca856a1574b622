/** What a handler returned though the reply was sent goes in; once that has gone out, it is closed, and told on stderr. */
import { Stream } from 'node:stream';
import type { Response } from 'express';
import type { Client } from '../request/client.js';
import { isAgentRun } from '../shared/agent-run.js';
import { EnvelopeError } from '../shared/errors.js';
import { printFor } from './error-report.js';
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
 * Waits until the answer has gone out, or its client has left: what was returned may be what the answer is made of. It is told to
 * nobody but the developer: an error handler would close the connection, on which the client's next request may be.
 */
export async function tellDropped(res: Response, client: Client, output: unknown): Promise<void> {
  if (!res.writableFinished && !client.closed) {
    await new Promise<void>((over) => {
      client.onClose(over);
      res.once('finish', over);
    });
  }
  giveUp(output);
  const told = `The handler returned ${kindOf(output)}, which is dropped: the reply was sent already. A handler that answers through res returns nothing`;
  printFor(res.req, new EnvelopeError('INVALID_OUTPUT', told));
}

function kindOf(output: unknown): string {
  if (isAgentRun(output)) return 'a run';
  if (isWebResponse(output)) return 'a Response';
  return isStream(output) ? 'a stream' : 'a value';
}

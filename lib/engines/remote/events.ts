/** A runner's response goes in, the events of its run come out, each checked. */

import { isJsonObject } from '../../shared/json.js';
import type { AgentEvent } from '../../shared/run-events.js';
import { engineFailed } from '../engine-error.js';
import { checkEvent } from '../event-check.js';
import { readLines, readStart, splitLines } from '../response-body.js';

/** As much of a refusal as is useful to read. */
const PROBLEM_BYTES = 64 * 1024;

const RUNNER = 'The runner';

/**
 * Reads the events, up to `run.end`.
 *
 * @param maxEventBytes - the longest line that is read
 * @throws {@link EnvelopeError} `ENGINE_FAILED` for a status that is no success, another media type, what is no event, an
 * error in band, and a stream that ends before the run
 */
export async function* readEvents(
  response: Response,
  maxEventBytes: number,
): AsyncGenerator<AgentEvent> {
  if (!response.ok) {
    const message = `${RUNNER} answered with status ${response.status}`;
    throw engineFailed(message, { cause: await problemOf(response) });
  }
  if (!/^application\/x-ndjson\b/i.test(response.headers.get('content-type') ?? '')) {
    throw engineFailed(`${RUNNER} answered with something else than a stream of events`);
  }
  for await (const line of readLines(response.body, splitLines(maxEventBytes, RUNNER))) {
    const event = parseEvent(line);
    yield event;
    if (event.type === 'run.end') return;
  }
  throw engineFailed(`${RUNNER} cut its answer short`);
}

function parseEvent(line: string): AgentEvent {
  const event = parseJson(line);
  // The frame of a failure in band; its problem document becomes the `cause`.
  if (isJsonObject(event) && event.type === 'error' && isJsonObject(event.error)) {
    throw engineFailed(`${RUNNER} failed`, { cause: event.error });
  }
  return checkEvent(event, RUNNER);
}

/** `undefined` for what is not JSON. Its text is shown nowhere: it may be a piece of the conversation. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The runner's problem document. */
async function problemOf({ body }: Response): Promise<unknown> {
  return parseJson(await readStart(body, PROBLEM_BYTES).catch(() => ''));
}

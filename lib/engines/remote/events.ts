/** A runner's response goes in, the events of its run come out, each checked. */
import { boundedDetails, type EnvelopeError, type ErrorDetail } from '../../shared/errors.js';
import { isJsonObject } from '../../shared/json.js';
import type { AgentMessage } from '../../shared/messages.js';
import type { AgentEvent } from '../../shared/run-events.js';
import { engineFailed } from '../engine-error.js';
import { checkEvent } from '../event-check.js';
import { messagesError } from '../message-error.js';
import { readLines, readStart, splitLines } from '../response-body.js';

/** As much of a refusal as is useful to read. */
const PROBLEM_BYTES = 64 * 1024;

const RUNNER = 'The runner';

/** Where `remote()` puts the messages. */
const MESSAGES = '/data/inputs/messages';

/**
 * Reads the events, up to `run.end`.
 *
 * @param messages - what the runner was asked
 * @param maxEventBytes - the longest line that is read
 * @throws {@link EnvelopeError} `INVALID_INPUT` (422) where the runner cannot take these messages
 * @throws {@link EnvelopeError} `ENGINE_FAILED` for a status that is no success, another media type, what is no event, an
 * error in band, and a stream that ends before the run
 */
export async function* readEvents(
  response: Response,
  messages: readonly AgentMessage[],
  maxEventBytes: number,
): AsyncGenerator<AgentEvent> {
  if (!response.ok) {
    const problem = await problemOf(response);
    const refusal = response.status === 422 ? refusalOf(problem, messages) : undefined;
    if (refusal !== undefined) throw refusal;
    const message = `${RUNNER} answered with status ${response.status}`;
    throw engineFailed(message, { cause: problem });
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

/** The messages are the client's: what is wrong with them is told by its place there. All else that we sent is our own fault. */
function refusalOf(problem: unknown, messages: readonly AgentMessage[]): EnvelopeError | undefined {
  if (!isJsonObject(problem) || problem.code !== 'INVALID_INPUT') return undefined;
  if (!Array.isArray(problem.errors) || !problem.errors.every(isInMessages)) return undefined;
  const [first, ...others] = boundedDetails(problem.errors).map(({ pointer, detail }) => ({
    pointer: pointer.slice(MESSAGES.length),
    detail,
  }));
  return first && messagesError(messages, first, ...others);
}

function isInMessages(place: unknown): place is ErrorDetail {
  if (!isJsonObject(place) || typeof place.detail !== 'string') return false;
  return `${place.pointer}/`.startsWith(`${MESSAGES}/`);
}

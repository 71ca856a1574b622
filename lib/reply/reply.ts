/** What a handler returned goes in; the reply goes out, as a value, a stream or a `Response`, with the session id on it. */
import { Readable } from 'node:stream';
import type { Request, Response } from 'express';
import { depthError } from '../request/envelope.js';
import { recordFailure } from '../session/request-span.js';
import { echoSession } from '../session/request-state.js';
import { type AgentRun, type AgentRunResult, isAgentRun, toOutputs } from '../shared/agent-run.js';
import { type AgentEvent, eventIdOf } from '../shared/run-events.js';
import { discard } from './discard.js';
import { isLost, tellDropped } from './dropped.js';
import { faultOfAnswer, inexpressible } from './event-text.js';
import { hasNoBody, jsonWriterOf, setStreamHeaders } from './framing.js';
import { negotiate, type Offers, type ReplyType, type StreamType } from './negotiate.js';
import { toProblem } from './problem.js';
import { isWebResponse, sendResponse } from './response.js';
import { isStream, refusal } from './sendable.js';
import { HEARTBEAT_MS, type StreamOptions, sendStream } from './stream.js';
import { type OutputRules, sendable, sendValue } from './value.js';

/** Where a reply goes, and what it must keep to. */
export interface ReplyTarget extends OutputRules {
  readonly req: Request;
  readonly res: Response;
  readonly offers: Offers;
  /** Whether the handler may have answered through `res`. */
  readonly mayHaveAnswered: boolean;
}

/**
 * Sends what a handler returned.
 *
 * @returns nothing when it is sent already; a promise for what takes its time
 * @throws EnvelopeError `NOT_ACCEPTABLE` (406), `INVALID_OUTPUT` (500), and what a stream or run fails with
 */
export function sendReply(target: ReplyTarget, output: unknown): Promise<void> | undefined {
  const { req, res, offers, state, mayHaveAnswered } = target;
  // `(bound, { res }) => res.json(…)` returns the response: it is answered.
  if (output === undefined || output === res) return undefined;
  if (mayHaveAnswered && res.headersSent && !state.client.left) {
    return isLost(output) ? tellDropped(res, state.client, output) : undefined;
  }
  if (isAgentRun(output)) return sendSource(target, output, offers.run, sendRun);
  // Its media type is its own: nothing is negotiated.
  if (isWebResponse(output)) return sendResponse(res, target, output);
  if (isStream(output)) return sendSource(target, output, offers.stream, sendItems);
  if (nobodyReads(target)) return undefined;
  negotiate(req, offers.value);
  return sendValue(res, target, output);
}

/** The app has answered by itself, or the client has left. */
function nobodyReads({ res, state }: ReplyTarget): boolean {
  return res.headersSent || state.client.closed;
}

/** A source that will not be read is not opened; if it is open, its `return()` is called, so that it can clean up. */
async function sendSource<Source extends AsyncIterable<unknown>, Type extends ReplyType>(
  target: ReplyTarget,
  source: Source,
  offers: readonly Type[],
  send: (target: ReplyTarget, source: Source, type: Type) => Promise<void>,
): Promise<void> {
  if (nobodyReads(target)) return discard(source);
  let type: Type;
  try {
    if (isByteStream(source)) throw refusal('a stream of bytes', 'pipe it into res');
    type = negotiate(target.req, offers);
  } catch (error) {
    // An error in its clean-up must neither replace nor delay the original one.
    discard(source).catch(() => undefined);
    throw error;
  }
  return send(target, source, type);
}

async function sendRun(target: ReplyTarget, run: AgentRun, type: ReplyType): Promise<void> {
  const write = jsonWriterOf(target.res);
  if (type === 'application/json') {
    const result = await resultOf(target, run);
    if (nobodyReads(target)) return;
    try {
      return await sendValue(target.res, target, toOutputs(result));
    } catch (error) {
      throw faultOfAnswer(result, error, write) ?? error;
    }
  }
  // The schema of a run is that of its value; its events have their own shape. The first one brings the id, when the
  // request had none.
  const { slot, data } = target.state;
  const encode = (event: unknown) => {
    try {
      return write(event);
    } catch (cause) {
      throw depthError(cause, data) ?? inexpressible(event as AgentEvent, cause, write) ?? cause;
    }
  };
  const headersReady = () => slot.fields.session_id !== undefined;
  return streamTo(target, type, run, { encode, idOf: eventIdOf, headersReady });
}

function sendItems(
  target: ReplyTarget,
  source: AsyncIterable<unknown>,
  type: StreamType,
): Promise<void> {
  const write = jsonWriterOf(target.res);
  const encode = (item: unknown) => sendable(target, item, write);
  return streamTo(target, type, source, { encode, idOf: undefined, headersReady: () => true });
}

function streamTo(
  { res, state }: ReplyTarget,
  type: StreamType,
  source: AsyncIterable<unknown>,
  items: Pick<StreamOptions, 'encode' | 'idOf' | 'headersReady'>,
): Promise<void> {
  if (hasNoBody(res)) {
    try {
      echoSession(res, state);
      setStreamHeaders(res, type);
      res.end();
    } catch (error) {
      discard(source).catch(() => undefined);
      throw error;
    }
    return discard(source);
  }
  return sendStream(res, source, {
    type,
    client: state.client,
    heartbeatMs: HEARTBEAT_MS,
    ...items,
    beforeHeaders: () => echoSession(res, state),
    encodeFailure: (error) => {
      // The status of the reply is sent already: without this, the trace would show a success.
      recordFailure(error);
      return JSON.stringify(toProblem(error, state.slot));
    },
  });
}

/** The result of a run, which ends early when the client leaves: whether or not its handler thought of the signal. */
async function resultOf({ state }: ReplyTarget, run: AgentRun): Promise<AgentRunResult> {
  const iterator = run[Symbol.asyncIterator]();
  const stopWatching = state.client.onClose(() => {
    discard(run, iterator).catch(() => undefined);
  });
  try {
    // Read, so that the events are not kept. Where the handler has read them, and where the run fails, the result knows.
    await readToEnd(iterator).catch(() => undefined);
    return await run.result;
  } finally {
    stopWatching();
  }
}

async function readToEnd(iterator: AsyncIterator<unknown>): Promise<void> {
  while ((await iterator.next()).done !== true);
}

/** The chunks of a byte stream are not items. */
function isByteStream(source: AsyncIterable<unknown>): boolean {
  return (
    source instanceof Readable && !source.readableObjectMode && source.readableEncoding === null
  );
}

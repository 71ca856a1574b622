/** What a handler returned goes in; the reply goes out, as a value or as a stream, with the session id on it. */
import type { Request, Response } from 'express';
import { negotiate, OFFERS, type ReplyType, type StreamType } from './accept.js';
import type { SessionSlot } from './context.js';
import type { EnvelopeError } from './errors.js';
import { type EnvelopeState, echoSession } from './locals.js';
import { toProblem } from './problem.js';
import { requestSpanContext } from './span.js';
import { sendStream } from './stream.js';

/** What can be awaited or streamed: an `AgentRun` is one. */
interface Run extends AsyncIterable<unknown> {
  readonly result: PromiseLike<object>;
}

/** Where a reply goes and what it must keep to. */
export interface ReplyTarget {
  readonly req: Request;
  readonly res: Response;
  readonly state: EnvelopeState;
  /** The error for an output that does not fit the route's schema. */
  readonly checkOutput: (output: unknown) => EnvelopeError | undefined;
}

/**
 * Sends what a handler returned.
 *
 * @throws {@link EnvelopeError} `NOT_ACCEPTABLE` (406), `INVALID_OUTPUT` (500), and what a stream or run fails with
 */
export async function sendReply(target: ReplyTarget, value: unknown): Promise<void> {
  const { req, res } = target;
  // `(bound, { res }) => res.json(…)` returns the response: it is answered.
  if (value === undefined || value === res || res.headersSent) return;
  if (!isAsyncIterable(value)) {
    negotiate(req, OFFERS.value);
    return sendValue(target, value);
  }
  try {
    const type: ReplyType = negotiate(req, isRun(value) ? OFFERS.run : OFFERS.stream);
    if (type === 'application/json') return sendValue(target, await outputsOf(value as Run));
    return await streamTo(target, type, value);
  } catch (error) {
    await value[Symbol.asyncIterator]().return?.();
    throw error;
  }
}

function sendValue({ res, state, checkOutput }: ReplyTarget, outputs: unknown): void {
  const broken = checkOutput(outputs);
  if (broken) throw broken;
  echoSession(res, state);
  res.json({ ...replyIds(state.slot), data: { outputs } });
}

function streamTo(
  { res, state, checkOutput }: ReplyTarget,
  type: StreamType,
  source: AsyncIterable<unknown>,
): Promise<void> {
  return sendStream(res, source, {
    type,
    check: (item) => {
      const broken = checkOutput(item);
      if (broken) throw broken;
    },
    beforeHeaders: () => echoSession(res, state),
    headersReady: () => state.slot.fields.session_id !== undefined,
    toProblem: (error) => toProblem(error, state.slot),
  });
}

/** The ids that stand on a reply, of those there are. */
function replyIds({ fields }: SessionSlot): object {
  const span = requestSpanContext();
  return {
    ...(fields.session_id === undefined ? undefined : { session_id: fields.session_id }),
    ...(span && { trace_id: span.traceId, span_id: span.spanId }),
  };
}

/** A run's result without its ids: they stand on the reply. */
async function outputsOf(run: Run): Promise<object> {
  const { sessionId, engineSessionId, traceId, ...outputs } = (await run.result) as Record<
    string,
    unknown
  >;
  return outputs;
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

function isRun(value: AsyncIterable<unknown>): value is Run {
  return 'result' in value && typeof (value.result as PromiseLike<object>)?.then === 'function';
}

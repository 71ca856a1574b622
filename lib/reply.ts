/** What a handler returned goes in; the reply goes out, as a value or as a stream, with the session id on it. */
import type { Request, Response } from 'express';
import { negotiate, OFFERS, type ReplyType, type StreamType } from './accept.js';
import type { SessionSlot } from './context.js';
import { EnvelopeError } from './errors.js';
import { type EnvelopeState, echoSession } from './locals.js';
import { toProblem } from './problem.js';
import { type AgentRun, isAgentRun, toOutputs } from './run.js';
import { requestSpanContext } from './span.js';
import { discard, sendStream } from './stream.js';

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
  const type = await negotiateFor(req, value);
  if (type !== 'application/json') return streamTo(target, type, value);
  return sendValue(target, toOutputs(await (value as AgentRun).result));
}

/** A source that nobody will read is returned, so that it can clean up. */
async function negotiateFor(req: Request, source: AsyncIterable<unknown>): Promise<ReplyType> {
  try {
    return negotiate<ReplyType>(req, isAgentRun(source) ? OFFERS.run : OFFERS.stream);
  } catch (error) {
    // What its clean-up says must not hide why it was let go.
    await discard(source).catch(() => undefined);
    throw error;
  }
}

function sendValue({ res, state, checkOutput }: ReplyTarget, outputs: unknown): void {
  const broken = checkOutput(outputs);
  if (broken) throw broken;
  // JSON would leave it out, and the client would get a reply without outputs.
  if (typeof outputs === 'function' || typeof outputs === 'symbol') throw notJson();
  echoSession(res, state);
  try {
    res.json({ ...replyIds(state.slot), data: { outputs } });
  } catch (cause) {
    throw notJson(cause);
  }
}

function streamTo(
  { res, state, checkOutput }: ReplyTarget,
  type: StreamType,
  source: AsyncIterable<unknown>,
): Promise<void> {
  const isRun = isAgentRun(source);
  return sendStream(res, source, {
    type,
    check: (item) => {
      // The schema of a run is that of its value; its events have their own shape.
      const broken = isRun ? undefined : checkOutput(item);
      if (broken) throw broken;
    },
    beforeHeaders: () => echoSession(res, state),
    // The first event of a run brings the id, when the request had none.
    headersReady: () => !isRun || state.slot.fields.session_id !== undefined,
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

function notJson(cause?: unknown): EnvelopeError {
  return new EnvelopeError('INVALID_OUTPUT', 'The output cannot be expressed as JSON', { cause });
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

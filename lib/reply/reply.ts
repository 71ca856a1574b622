/** What a handler returned goes in; the reply goes out, as a value or as a stream, with the session id on it. */
import type { Request, Response } from 'express';
import { recordFailure, requestSpanContext } from '../session/request-span.js';
import { type EnvelopeState, echoSession } from '../session/request-state.js';
import type { SessionSlot } from '../session/slot.js';
import { EnvelopeError } from '../shared/errors.js';
import { type AgentRun, type AgentRunResult, isAgentRun, toOutputs } from '../shared/run-events.js';
import { negotiate, OFFERS, type ReplyType, type StreamType } from './negotiate.js';
import { toProblem } from './problem.js';
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
 * @returns nothing when it is sent already; a promise for what takes its time
 * @throws {@link EnvelopeError} `NOT_ACCEPTABLE` (406), `INVALID_OUTPUT` (500), and what a stream or run fails with
 */
export function sendReply(target: ReplyTarget, value: unknown): Promise<void> | undefined {
  const { req, res } = target;
  // `(bound, { res }) => res.json(…)` returns the response: it is answered.
  if (value === undefined || value === res) return undefined;
  if (res.headersSent) return isAsyncIterable(value) ? discard(value) : undefined;
  if (!isAsyncIterable(value)) {
    negotiate(req, OFFERS.value);
    sendValue(target, value);
    return undefined;
  }
  return sendSource(target, value);
}

async function sendSource(target: ReplyTarget, value: AsyncIterable<unknown>): Promise<void> {
  const type = await negotiateFor(target.req, value);
  if (type !== 'application/json') return streamTo(target, type, value);
  return sendValue(target, toOutputs(await resultOf(target.res, value as AgentRun)));
}

/** The result of a run, which ends early when the client leaves: whether or not its handler thought of the signal. */
async function resultOf(res: Response, run: AgentRun): Promise<AgentRunResult> {
  const iterator = run[Symbol.asyncIterator]();
  const leave = () => {
    iterator.return?.().catch(() => undefined);
  };
  res.once('close', leave);
  try {
    while ((await iterator.next()).done !== true);
    return await run.result;
  } finally {
    res.off('close', leave);
  }
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
    res.json(toReply(state.slot, outputs));
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
    toProblem: (error) => {
      // Its status is sent: without this, the trace would tell of a success.
      recordFailure(error);
      return toProblem(error, state.slot);
    },
  });
}

/** What is sent for a value, with the ids that there are. */
interface ValueReply {
  session_id?: unknown;
  trace_id?: string;
  span_id?: string;
  data: { readonly outputs: unknown };
}

function toReply({ fields }: SessionSlot, outputs: unknown): ValueReply {
  const reply = {} as ValueReply;
  const span = requestSpanContext();
  if (fields.session_id !== undefined) reply.session_id = fields.session_id;
  if (span !== undefined) {
    reply.trace_id = span.traceId;
    reply.span_id = span.spanId;
  }
  reply.data = { outputs };
  return reply;
}

function notJson(cause?: unknown): EnvelopeError {
  return new EnvelopeError('INVALID_OUTPUT', 'The output cannot be expressed as JSON', { cause });
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

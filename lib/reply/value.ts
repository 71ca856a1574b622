/** A value goes in, a JSON reply with the session id goes out. */
import type { Response } from 'express';
import { depthError } from '../request/envelope.js';
import { requestSpanContext } from '../session/request-span.js';
import { type AcceptedEnvelope, echoSession } from '../session/request-state.js';
import { EnvelopeError } from '../shared/errors.js';
import { unsendable } from './sendable.js';

/** What an output must keep to. */
export interface OutputRules {
  readonly state: AcceptedEnvelope;
  /** The error for an output that does not fit the route's schema. */
  readonly checkOutput: (output: unknown) => EnvelopeError | undefined;
}

/**
 * Sends a value.
 *
 * @throws {@link EnvelopeError} `INVALID_OUTPUT` (500) for what does not fit the schema or cannot be JSON,
 * `INVALID_ENVELOPE` (400) for what the client nested too deeply
 */
export function sendValue(res: Response, rules: OutputRules, outputs: unknown): void {
  const { state } = rules;
  sendable(rules, outputs, () => {
    echoSession(res, state);
    return res.json(toReply(state, outputs));
  });
}

/**
 * Checks an output and writes it by `write`.
 *
 * @throws as {@link sendValue}
 */
export function sendable<T>(
  { state, checkOutput }: OutputRules,
  output: unknown,
  write: (output: unknown) => T,
): T {
  try {
    const fault = unsendable(output) ?? checkOutput(output);
    if (fault === undefined) return write(output);
    throw fault;
  } catch (cause) {
    if (cause instanceof EnvelopeError) throw cause;
    // An echo of what the client nested: its fault, and not the handler's.
    throw depthError(cause, state.data) ?? notJson(cause);
  }
}

/** What is sent for a value, with the ids that there are. */
interface ValueReply {
  session_id?: unknown;
  trace_id?: string;
  span_id?: string;
  data: { readonly outputs: unknown };
}

function toReply({ slot }: AcceptedEnvelope, outputs: unknown): ValueReply {
  const reply = {} as ValueReply;
  const span = requestSpanContext();
  const { session_id } = slot.fields;
  if (session_id !== undefined) reply.session_id = session_id;
  if (span !== undefined) {
    reply.trace_id = span.traceId;
    reply.span_id = span.spanId;
  }
  reply.data = { outputs };
  return reply;
}

function notJson(cause: unknown): EnvelopeError {
  return new EnvelopeError('INVALID_OUTPUT', 'The output cannot be expressed as JSON', { cause });
}

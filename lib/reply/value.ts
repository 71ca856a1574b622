/** A value goes in, a JSON reply with the session id goes out. */
import type { Response } from 'express';
import { depthError } from '../request/envelope.js';
import { requestSpanContext } from '../session/request-span.js';
import { type AcceptedEnvelope, echoSession } from '../session/request-state.js';
import { EnvelopeError } from '../shared/errors.js';
import type { MaybePromise } from '../shared/standard-schema.js';
import { orUndefined } from '../shared/thrown.js';
import { unsendable } from './sendable.js';

/** What an output must keep to. */
export interface OutputRules {
  readonly state: AcceptedEnvelope;
  /** Gives back what is sent of an output; throws for one that does not fit the route's schema. */
  readonly readOutput: (output: unknown) => MaybePromise<unknown>;
}

/**
 * Sends a value.
 *
 * @returns a promise only where the schema takes its time
 * @throws {@link EnvelopeError} `INVALID_OUTPUT` (500) for what does not fit the schema or cannot be JSON,
 * `INVALID_ENVELOPE` (400) for what the client nested too deeply
 */
export function sendValue(
  res: Response,
  rules: OutputRules,
  outputs: unknown,
): Promise<void> | undefined {
  const { state } = rules;
  const sent = sendable(rules, outputs, (checked) => {
    // A schema that took its time: meanwhile the app may have answered, and the client may have left.
    if (res.headersSent || state.client.closed) return;
    echoSession(res, state);
    res.json(toReply(state, checked));
  });
  return sent instanceof Promise ? sent : undefined;
}

/**
 * Checks an output and writes what its schema gives back by `write`.
 *
 * @throws as {@link sendValue}
 */
export function sendable<T>(
  { state, readOutput }: OutputRules,
  output: unknown,
  write: (checked: unknown) => T,
): MaybePromise<T> {
  const send = (checked: unknown): T => {
    const fault = unsendable(checked);
    if (fault === undefined) return write(checked);
    throw fault;
  };
  const fail = (cause: unknown): never => {
    // A value that JSON cannot express fits no schema either: the kind and the remedy say more than the schema error.
    if (cause instanceof EnvelopeError) throw orUndefined(() => unsendable(output)) ?? cause;
    // The output may repeat the client's nesting: then the error is the client's, not the handler's.
    throw depthError(cause, state.data) ?? notJson(cause);
  };
  try {
    const read = readOutput(output);
    return read instanceof Promise ? read.then(send).catch(fail) : send(read);
  } catch (cause) {
    return fail(cause);
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

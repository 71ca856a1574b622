/** A value goes in, a JSON reply with the session id goes out. */
import { types } from 'node:util';
import type { Response } from 'express';
import { depthError, type EnvelopeData } from '../request/envelope.js';
import { requestSpanContext } from '../session/request-span.js';
import { type AcceptedEnvelope, echoSession } from '../session/request-state.js';
import { EnvelopeError } from '../shared/errors.js';
import type { MaybePromise } from '../shared/standard-schema.js';
import { jsonValue } from './sendable.js';

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
 * @throws as {@link sendValue}; what `write` throws for another reason than the output, as it is
 */
export function sendable<T>(
  rules: OutputRules,
  output: unknown,
  write: (checked: unknown) => T,
): MaybePromise<T> {
  // A generator's `yield` would await it, too. Its rejection is the source's failure, and not the output's fault.
  if (types.isPromise(output)) return output.then((item) => sendable(rules, item, write));
  const { state, readOutput } = rules;
  const send = (checked: unknown): T => {
    let json: unknown;
    try {
      json = jsonValue(checked);
      return write(json);
    } catch (cause) {
      throw writeError(cause, json, state.data);
    }
  };
  const misfit = (cause: unknown): never => {
    // A value that JSON cannot express fits no schema either: the kind and the remedy say more than the schema error.
    if (cause instanceof EnvelopeError) throw refusalOf(output) ?? cause;
    throw depthError(cause, state.data) ?? notJson(cause);
  };
  let read: MaybePromise<unknown>;
  try {
    read = readOutput(output);
  } catch (cause) {
    return misfit(cause);
  }
  // Not `instanceof`: a Proxy may throw at it.
  return types.isPromise(read) ? read.then(send, misfit) : send(read);
}

/** Why the output could not be written: it may not be the output's fault, but that of a status or a header of the app. */
function writeError(cause: unknown, json: unknown, data: EnvelopeData): unknown {
  if (cause instanceof EnvelopeError) return cause;
  // The output may repeat the client's nesting: then the error is the client's, not the handler's.
  const deep = depthError(cause, data);
  if (deep !== undefined) return deep;
  return json !== undefined && isWritable(json) ? cause : notJson(cause);
}

function isWritable(json: unknown): boolean {
  try {
    JSON.stringify(json);
    return true;
  } catch {
    return false;
  }
}

function refusalOf(output: unknown): EnvelopeError | undefined {
  try {
    jsonValue(output);
  } catch (error) {
    return error instanceof EnvelopeError ? error : undefined;
  }
  return undefined;
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

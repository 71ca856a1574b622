/** What a request's stages leave for each other and for the app in `res.locals`. The only file that touches it. */
import type { Response } from 'express';
import type { Refusal } from '../request/body.js';
import type { LocatedData } from '../request/envelope.js';
import type { EnvelopeError } from '../shared/errors.js';
import type { JsonObject } from '../shared/json.js';
import type { SessionSlot } from './slot.js';

/** `res.locals` behind `agentEnvelope()`; each further field of the allowlist stands there too, by its name. */
export interface EnvelopeLocals {
  [name: string]: unknown;
  /** The session id; `undefined` when the request has none. */
  session_id?: string | undefined;
  /** `{}` when absent or null. */
  inputs?: JsonObject;
  /** Any JSON value; `undefined` when absent. */
  outputs?: unknown;
  /** `{}` when absent or null. */
  parameters?: JsonObject;
}

/** What `agentEnvelope()` found out about a request. */
export interface EnvelopeState {
  readonly slot: SessionSlot;
  readonly responseHeader: string | false;
  /** `undefined` when the envelope was refused. */
  data?: LocatedData;
  /** Why it was. */
  error?: EnvelopeError | undefined;
}

const STATE = Symbol.for('express-agent-envelope.state');

type Locals = EnvelopeLocals & { [STATE]?: EnvelopeState | { refusal: Refusal } };

/** The state of a request that has an envelope, why it has none, or `undefined` when no `agentEnvelope()` saw it. */
export function readState(res: Response): EnvelopeState | { refusal: Refusal } | undefined {
  return (res.locals as Locals)[STATE];
}

/** Keeps the state, and shows the allowlisted values to the app. */
export function keepState(res: Response, state: EnvelopeState): void {
  const locals = res.locals as Locals;
  locals[STATE] = state;
  for (const name in state.slot.fields) locals[name] = state.slot.fields[name];
}

/** Keeps the data, and shows it to the app. */
export function keepData(res: Response, state: EnvelopeState, data: LocatedData): void {
  const locals = res.locals as Locals;
  state.data = data;
  locals.inputs = data.inputs;
  locals.outputs = data.outputs;
  locals.parameters = data.parameters;
}

/** Keeps only the reason why a request is no envelope; the app's own locals stay as they are. */
export function keepRefusal(res: Response, refusal: Refusal): void {
  (res.locals as Locals)[STATE] = { refusal };
}

/** Repeats the session id in the response header, as soon as it is known: it is then on every outcome. */
export function echoSession(res: Response, { slot, responseHeader }: EnvelopeState): void {
  const id = slot.fields.session_id;
  // An engine may have settled it since.
  (res.locals as Locals).session_id = id as string | undefined;
  if (responseHeader === false || typeof id !== 'string' || res.headersSent) return;
  if (res.getHeader(responseHeader) !== id) res.setHeader(responseHeader, id);
}

/** What a request's stages leave for each other, and for the app, in `res.locals`. The only file that touches it. */
import type { Response } from 'express';
import type { Client } from '../request/client.js';
import type { LocatedData } from '../request/envelope.js';
import type { EnvelopeError } from '../shared/errors.js';
import type { JsonObject } from '../shared/json.js';
import type { SessionSlot } from './slot.js';

/** `res.locals` after `agentEnvelope()`; each further field of the allowlist is there too, by its name. */
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

/** What a request is to `agentEnvelope()`. */
export type RequestState = NoEnvelope | RefusedEnvelope | AcceptedEnvelope;

/** The request has no envelope: it may be for a route that needs none. */
export interface NoEnvelope {
  readonly kind: 'none';
  /** The error of a route that needs one. */
  readonly refusal: () => EnvelopeError;
}

/** The conversation a request named, which every reply to it echoes. */
export interface SessionState {
  readonly client: Client;
  readonly slot: SessionSlot;
  readonly responseHeader: string | false;
}

/** The envelope breaks a rule, or its session is not open to the caller. */
export interface RefusedEnvelope extends SessionState {
  readonly kind: 'refused';
  readonly error: EnvelopeError;
}

/** The envelope can be bound. */
export interface AcceptedEnvelope extends SessionState {
  readonly kind: 'accepted';
  readonly data: LocatedData;
  /** Why no handler may take it: the body was replaced since, and no `agentEnvelope()` has read the new one. */
  readonly fault: (() => EnvelopeError) | undefined;
}

/** A session on its way to a reply; where there was no envelope, the app's locals have no place for it. */
export type EchoedSession = SessionState & { readonly kind?: RequestState['kind'] };

const STATE = Symbol.for('express-agent-envelope.state');

type Locals = EnvelopeLocals & { [STATE]?: RequestState };

/** The state of a request, or `undefined` when no `agentEnvelope()` saw it. */
export function readState(res: Response): RequestState | undefined {
  return (res.locals as Locals)[STATE];
}

/** The session of a request that has an envelope. */
export function readSession(res: Response): RefusedEnvelope | AcceptedEnvelope | undefined {
  const state = readState(res);
  return state === undefined || state.kind === 'none' ? undefined : state;
}

/** Keeps the state for the stages that follow; the app's own locals stay as they are. */
export function keepState(res: Response, state: RequestState): void {
  (res.locals as Locals)[STATE] = state;
}

/** What the middleware of a client's own protocol found. */
export interface ClientProtocol {
  /** What the client sent and an envelope cannot carry: it is refused in the session, so that the refusal carries the id. */
  readonly fault: EnvelopeError | undefined;
}

const PROTOCOL = Symbol.for('express-agent-envelope.protocol');

/** Marks a request as one of a client with a protocol of its own: it gets errors as text. */
export function keepProtocol(res: Response, protocol: ClientProtocol): void {
  Object.assign(res.locals, { [PROTOCOL]: protocol });
}

/** The protocol of the request's client, where it has one. */
export function readProtocol(res: Response): ClientProtocol | undefined {
  return (res.locals as { [PROTOCOL]?: ClientProtocol })[PROTOCOL];
}

/** Shows the app what the request says: only after its session was entered, since a refused session may be another caller's. */
export function showToApp(res: Response, state: RefusedEnvelope | AcceptedEnvelope): void {
  const locals = res.locals as Locals;
  Object.assign(locals, state.slot.fields);
  if (state.kind === 'refused') return;
  locals.inputs = state.data.inputs;
  locals.outputs = state.data.outputs;
  locals.parameters = state.data.parameters;
}

/** Repeats the session id on a reply. An engine may have brought it since: then the app sees it, too. */
export function echoSession(res: Response, state: EchoedSession): void {
  const locals = res.locals as Locals;
  const id = idOf(state);
  // An app may have frozen its locals meanwhile: only a new id is written.
  if (state.kind === 'accepted' && locals.session_id !== id) locals.session_id = id;
  setSessionHeader(res, state);
}

/** Repeats the session id in the response header, as soon as it is known: it is then on every outcome. */
export function setSessionHeader(res: Response, session: SessionState): void {
  const { responseHeader } = session;
  const id = idOf(session);
  if (responseHeader === false || id === undefined || res.headersSent) return;
  if (res.getHeader(responseHeader) !== id) res.setHeader(responseHeader, id);
}

function idOf({ slot }: SessionState): string | undefined {
  return slot.fields.session_id as string | undefined;
}

/** The middleware: body, fields, data, absent id, `authorize`, session, in this order; an error in the data is passed on last. */
import { randomUUID } from 'node:crypto';
import type { Context } from '@opentelemetry/api';
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { type AgentEnvelopeOptions, type Configuration, parseOptions } from './options.js';
import { createBodyReader, isRefusal } from './request/body.js';
import { Client } from './request/client.js';
import {
  type FieldValues,
  hasFieldValue,
  type LocatedData,
  readData,
  readFields,
} from './request/envelope.js';
import { fieldAttributes } from './request/parsed-field.js';
import { stampOpenSpans } from './session/request-span.js';
import {
  type AcceptedEnvelope,
  type EnvelopeLocals,
  keepState,
  type RefusedEnvelope,
  readProtocol,
  readSession,
  type SessionState,
  setSessionHeader,
  showToApp,
} from './session/request-state.js';
import { diagnoseContext } from './session/self-diagnosis.js';
import { createSlot, fieldAttributesOf, runInSlot } from './session/slot.js';
import { activeContext } from './session/tracing.js';
import { detailsError, EnvelopeError } from './shared/errors.js';
import type { JsonObject } from './shared/json.js';
import { goOn } from './shared/thrown.js';
import { refuseUncalled } from './shared/uncalled.js';

/**
 * Reads the agent envelope of each request: `session_id` and the other allowlisted fields from the top level, `inputs`,
 * `outputs` and `parameters` from `data` (or, flat, from the top level). Fills `res.locals` and runs everything after it
 * in the session, so that `getSessionId()` and every span know the id.
 *
 * Mount it before the routes, alone or after `express.json()`. A request without a JSON object passes untouched, and so does
 * an object of another route: one that has none of the fields and a `data` or `inputs` of another shape.
 *
 * @param options - see {@link AgentEnvelopeOptions}
 * @throws TypeError at once, when an option is wrong, and when it is mounted without being called
 * @throws {@link EnvelopeError} to `next`: `INVALID_FIELD`, `INVALID_ENVELOPE`, `SESSION_REQUIRED` (400),
 * `SESSION_FORBIDDEN` (403). Errors of `express.json()` go to `next` as they are.
 * @example
 * ```ts
 * app.use(agentEnvelope({ fields: [sessionId, { name: 'tenant', attribute: 'app.tenant' }] }));
 * ```
 */
export function agentEnvelope(
  options?: AgentEnvelopeOptions,
  // biome-ignore lint/suspicious/noExplicitAny: the bodies are whatever the app's routes make them
): RequestHandler<Request['params'], any, any, Request['query'], EnvelopeLocals> {
  const config = parseOptions(options);
  const readBody = createBodyReader(config.limit);
  return function agentEnvelope(req, res, next) {
    // The context is taken before the body is read: afterwards another span, or none, may be active.
    const entry = activeContext();
    readBody(req, res, (error, body) => {
      if (body === undefined) return next(error);
      goOn(next, () => {
        if (!isRefusal(body)) return prepareSession(config, { req, res, next, entry }, body.object);
        const { code, message } = body.refusal;
        // The error is made only if a route needs it: most requests without an envelope are for other routes.
        keepState(res, { kind: 'none', refusal: () => new EnvelopeError(code, message) });
        return next;
      });
    });
  };
}

refuseUncalled(agentEnvelope, 'agentEnvelope');

interface Exchange {
  readonly req: Request;
  readonly res: Response;
  readonly next: NextFunction;
  readonly entry: Context;
}

/** Reads what the client sent; the function that it returns asks `authorize` and enters the session. */
function prepareSession(config: Configuration, exchange: Exchange, body: JsonObject): () => void {
  const { req, res, next } = exchange;
  const earlier = readSession(res);
  // If the app went on after a refusal, it gets the same error again, outside the session: that may be another caller's.
  if (earlier?.kind === 'refused') return () => next(earlier.error);
  const { values, error } = readFields(body, config.fields);
  const data = readData(body);
  const refused = data instanceof EnvelopeError;
  // An object of another route: those of JSON:API and CloudEvents have a `data` of their own. `bind()` reports the error.
  if (refused && !earlier && !error && !hasFieldValue(values)) {
    keepState(res, { kind: 'none', refusal: () => data });
    return next;
  }
  const sent = values.session_id;
  if (earlier !== undefined) inheritFields(values, earlier.slot.fields);
  const broken = error ?? readProtocol(res)?.fault ?? fillAbsentSession(config, values);
  const { sessionAttributes, baggage, responseHeader } = config;
  const declared = { sessionAttributes, baggage, data: refused ? undefined : data };
  const attributes = fieldAttributes(config.fields, values);
  const all = earlier ? { ...fieldAttributesOf(earlier.slot), ...attributes } : attributes;
  const session: SessionState = {
    client: earlier?.client ?? new Client(req, res),
    slot: createSlot(values, all, declared, earlier?.slot),
    responseHeader,
  };
  const state = stateOf(session, broken ?? data);
  setSessionHeader(res, session);
  const { authorize } = config;
  if (authorize === undefined || typeof sent !== 'string') return () => enter(exchange, state);
  // The spans of a refused caller must not land in another caller's conversation: the session is never entered.
  const refuse = (cause?: unknown) =>
    goOn(next, () => {
      const error = FORBIDDEN(cause);
      keepState(res, stateOf(session, error));
      return () => next(error);
    });
  return () => {
    isAuthorized(authorize, sent, req).then(
      (authorized) => (authorized === true ? enter(exchange, state) : refuse()),
      refuse,
    );
  };
}

function fillAbsentSession(
  { absentSession }: Configuration,
  values: FieldValues,
): EnvelopeError | undefined {
  if (values.session_id !== undefined) return undefined;
  if (absentSession === 'mint') values.session_id = randomUUID();
  return absentSession === 'require' ? SESSION_REQUIRED() : undefined;
}

/** An earlier mount's fields stay, so that no input replaces an absent field; its session id, even a minted one, stays. */
function inheritFields(values: FieldValues, earlier: FieldValues): void {
  for (const [name, value] of Object.entries(earlier)) values[name] ??= value;
}

/** An error of the client is an outcome of the session, not a throw: it goes to `next`, inside the session. */
function stateOf(
  session: SessionState,
  data: LocatedData | EnvelopeError,
): RefusedEnvelope | AcceptedEnvelope {
  const { client, slot, responseHeader } = session;
  return data instanceof EnvelopeError
    ? { kind: 'refused', client, slot, responseHeader, error: data }
    : { kind: 'accepted', client, slot, responseHeader, data, fault: undefined };
}

function enter({ res, next, entry }: Exchange, state: RefusedEnvelope | AcceptedEnvelope): void {
  const { slot } = state;
  stampOpenSpans(slot, entry);
  runInSlot(slot, entry, () => {
    diagnoseContext(slot);
    goOn(next, () => {
      keepState(res, state);
      showToApp(res, state);
      return () => next(state.kind === 'refused' ? state.error : undefined);
    });
  });
}

async function isAuthorized(
  authorize: NonNullable<Configuration['authorize']>,
  id: string,
  req: Request,
): Promise<boolean> {
  return authorize(id, req);
}

const SESSION_REQUIRED = () =>
  detailsError('SESSION_REQUIRED', [{ pointer: '/session_id', detail: 'is required' }]);

const FORBIDDEN = (cause?: unknown) =>
  new EnvelopeError('SESSION_FORBIDDEN', 'The caller may not use this session', { cause });

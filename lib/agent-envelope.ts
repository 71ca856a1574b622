/** The middleware: body, fields, session policy, context, data, in this order; each stage is a file of its own. */
import { randomUUID } from 'node:crypto';
import { type Context, context } from '@opentelemetry/api';
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { type AgentEnvelopeOptions, type Configuration, parseOptions } from './options.js';
import { createBodyReader } from './request/body.js';
import { readData, readFields } from './request/envelope.js';
import { spanAttributes } from './request/field-list.js';
import { stampOpenSpans } from './session/request-span.js';
import {
  type EnvelopeLocals,
  type EnvelopeState,
  echoSession,
  keepData,
  keepRefusal,
  keepState,
  readState,
} from './session/request-state.js';
import { runInSlot, type SessionSlot, warnWithoutContextManager } from './session/slot.js';
import { detailsError, EnvelopeError } from './shared/errors.js';
import type { JsonObject } from './shared/json.js';

type Params = Request['params'];
type Query = Request['query'];

/**
 * Reads the agent envelope of each request: `session_id` and the other allowlisted fields from the top level, `inputs`,
 * `outputs` and `parameters` from `data` (or, flat, from the top level). Fills `res.locals` and runs everything behind it
 * in the session, so that `getSessionId()` and every span know the id.
 *
 * Mount it before the routes, alone or after `express.json()`. A request without a JSON object passes untouched.
 *
 * @param options - see {@link AgentEnvelopeOptions}
 * @throws TypeError at once, when an option is wrong
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
): RequestHandler<Params, any, any, Query, EnvelopeLocals> {
  const config = parseOptions(options);
  const readBody = createBodyReader(config.limit);
  return function agentEnvelope(req, res, next) {
    // Taken before the body is read: behind it another span, or none, may be active.
    const entry = context.active();
    readBody(req, res, (error, body) => {
      if (body === undefined) return next(error);
      if ('refusal' in body) {
        keepRefusal(res, body.refusal);
        return next();
      }
      let open: () => void;
      try {
        open = prepareSession(config, req, res, body.object, entry, next);
      } catch (error) {
        // An earlier mount's refusal, or a fault: behind the body parser's callback a throw would end the process.
        return next(error);
      }
      open();
    });
  };
}

/** Everything that reads what the client sent; the function it returns goes on with the request. */
function prepareSession(
  config: Configuration,
  req: Request,
  res: Response,
  body: JsonObject,
  entry: Context,
  next: NextFunction,
): () => void {
  const { values, error } = readFields(body, config.fields);
  const sent = values.session_id !== undefined;
  // Behind another mount: its fields stay fields, so that no input stands in for one, and its id, minted perhaps, the id.
  const earlier = earlierState(res);
  if (earlier?.error !== undefined) throw earlier.error;
  for (const name in earlier?.slot.fields) values[name] ??= earlier?.slot.fields[name];
  let refusal = error;
  if (values.session_id === undefined && error === undefined) {
    if (config.absentSession === 'mint') values.session_id = randomUUID();
    if (config.absentSession === 'require') refusal = SESSION_REQUIRED();
  }
  const slot: SessionSlot = {
    fields: values,
    attributes: { ...earlier?.slot.attributes, ...spanAttributes(config.fields, values) },
    baggage: config.baggage,
  };
  const state: EnvelopeState = { slot, responseHeader: config.responseHeader };
  keepState(res, state);
  echoSession(res, state);

  const enter = () => {
    stampOpenSpans(slot, entry);
    runInSlot(slot, entry, () => {
      warnWithoutContextManager(slot);
      state.error = refusal ?? takeData(res, state, body);
      next(state.error);
    });
  };
  const refuse = (cause?: unknown) => {
    state.error = forbidden(cause);
    next(state.error);
  };
  const { authorize } = config;
  if (authorize === undefined || !sent) return enter;
  // A refused caller's spans must not land in somebody else's conversation: its session is never entered.
  return () => {
    isAuthorized(authorize, values.session_id as string, req).then(
      (authorized) => (authorized === true ? enter() : refuse()),
      refuse,
    );
  };
}

/** Errors are returned, not thrown: they belong to `next`, inside the session. */
function takeData(
  res: Response,
  state: EnvelopeState,
  body: JsonObject,
): EnvelopeError | undefined {
  try {
    keepData(res, state, readData(body));
    return undefined;
  } catch (error) {
    // `readData` throws nothing else.
    return error as EnvelopeError;
  }
}

function earlierState(res: Response): EnvelopeState | undefined {
  const earlier = readState(res);
  return earlier !== undefined && 'slot' in earlier ? earlier : undefined;
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

const forbidden = (cause?: unknown) =>
  new EnvelopeError('SESSION_FORBIDDEN', 'The caller may not use this session', { cause });

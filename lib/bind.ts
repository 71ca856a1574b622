/** A handler that asks by name goes in, an Express handler comes out: bind, check, call in the session, reply. */
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { type BindOptions, parseBindOptions } from './bind-options.js';
import { createHandlerIo, type HandlerIo } from './reply/handler-io.js';
import { negotiate, type Offers, offersOf } from './reply/negotiate.js';
import { sendReply } from './reply/reply.js';
import type { WebResponse } from './reply/response-head.js';
import type { Asked, Bound } from './request/binding.js';
import type {
  Declaration,
  DeclaredBound,
  DeclaredOutput,
  StrictDeclaration,
} from './request/declaration.js';
import { refusingDepth } from './request/envelope.js';
import { compilePlan, type Plan } from './request/plan.js';
import { type AcceptedEnvelope, readState } from './session/request-state.js';
import { resumeSlot } from './session/slot.js';
import type { AgentRun } from './shared/agent-run.js';
import { configError, EnvelopeError } from './shared/errors.js';
import type { MaybePromise } from './shared/standard-schema.js';
import { isAbortError, isThenable } from './shared/thrown.js';
import { refuseMisuse, refuseUncalled } from './shared/uncalled.js';

/**
 * The declaration alone says what the handler gets: to infer it back from the handler is work for nothing, and a lot of it.
 * TypeScript's own `NoInfer` came with 5.4.
 */
type NoInference<T> = [T][T extends unknown ? 0 : never];

/** What a handler may return: its output, a stream of outputs, or nothing when it answered through `res`. */
type Output<T> = unknown extends T
  ? unknown
  : // biome-ignore lint/suspicious/noConfusingVoidType: a handler without a return statement has this type
    MaybePromise<T | AsyncIterable<T> | AgentRun | WebResponse | Response | undefined | void>;

/**
 * A route's handler that gets exactly what it asks for by name.
 *
 * For each name, in this order: `request`, the whole envelope, read-only; `inputs`, `outputs` or `parameters`; a field of the
 * allowlist; `'...rest'`, the data fields not asked for, never an envelope field; else the input of that name.
 *
 * What the handler returns is the reply: a value, an async iterable (streamed as NDJSON or SSE), an `AgentRun` (either), a
 * WHATWG `Response` (as it is, with the id's header; no schema and no `Accept` apply to it).
 *
 * @param asked - what to bind: names, and fields that {@link envelopeField} made, which are typed by their schema
 * @param handler - called with the bound values and `{ req, res, signal }`, inside the session
 * @param options - see {@link BindOptions}
 * @throws TypeError at once, for names that cannot be bound
 * @throws {@link EnvelopeError} to `next`: `NO_ENVELOPE` (400), `UNSUPPORTED_MEDIA_TYPE` (415), `NOT_ACCEPTABLE` (406),
 * `MIDDLEWARE_MISSING` (500). What the handler throws or rejects with goes to `next`, on Express 4 too.
 * @example
 * ```ts
 * app.post('/invoke', bind(['session_id', 'inputs'], ({ session_id, inputs }) => answer(session_id, inputs)));
 * ```
 */
export function bind<const A extends readonly Asked[]>(
  asked: A,
  handler: (bound: Bound<A[number]>, io: HandlerIo) => unknown,
  options?: BindOptions,
): RequestHandler;
/**
 * The same, declared with schemas: they are compiled once, checked on each request, and type the handler.
 *
 * @param declaration - see {@link Declaration}: `true`, a schema of the data, or a field, by name
 * @throws TypeError at once, for a schema that cannot be compiled
 * @throws {@link EnvelopeError} to `next`: as above, and `INVALID_INPUT` (422), `INVALID_OUTPUT` (500)
 * @example
 * ```ts
 * const inputs = { type: 'object', properties: { question: { type: 'string' } }, required: ['question'] } as const;
 * app.post('/ask', bind({ session_id: true, inputs }, ({ inputs }) => answer(inputs.question)));
 * ```
 */
export function bind<const D extends (Declaration | readonly Asked[]) & StrictDeclaration<D>>(
  declaration: D,
  handler: (
    bound: NoInference<DeclaredBound<D>>,
    io: HandlerIo,
  ) => NoInference<Output<DeclaredOutput<D>>>,
  options?: BindOptions,
): RequestHandler;
export function bind(
  asked: readonly Asked[] | Declaration,
  handler: (bound: never, io: HandlerIo) => unknown,
  options?: BindOptions,
): RequestHandler {
  refuseMisuse('bind', asked);
  if (typeof asked === 'function' || typeof asked === 'string') {
    throw new TypeError(
      "bind: names must be a list of names or a declaration. Did you mean bind(['inputs'], handler)?",
    );
  }
  const plan = compilePlan(asked);
  if (typeof handler !== 'function')
    throw configError('bind: handler', 'must be a function', handler);
  const offers = offersOf(parseBindOptions(options).stream);
  return function boundHandler(req, res, next) {
    const state = readState(res);
    switch (state?.kind) {
      case undefined:
        return next(MIDDLEWARE_MISSING());
      case 'none':
        return next(state.refusal());
      // If the app went on after a refusal, it gets the same error again, outside the session: that may be another caller's.
      case 'refused':
        return next(state.error);
      case 'accepted':
        if (state.fault !== undefined) return next(state.fault());
        resumeSlot(state.slot, () => serve({ plan, offers, handler, state }, req, res, next));
    }
  };
}

refuseUncalled(bind, 'bind');

interface BoundRoute {
  readonly plan: Plan;
  readonly offers: Offers;
  readonly handler: (bound: never, io: HandlerIo) => unknown;
  readonly state: AcceptedEnvelope;
}

async function serve(
  { plan, offers, handler, state }: BoundRoute,
  req: Request,
  res: Response,
  next: NextFunction,
): Promise<void> {
  const { client, data, slot } = state;
  const { io, taken } = createHandlerIo(req, res, client, slot);
  try {
    const read = refusingDepth(data, () => plan.readData(data));
    // Await only if a schema is asynchronous: every `await` defers the handler.
    const checked = read instanceof Promise ? await read : read;
    // The client has left during the check: nobody waits for what the handler would do.
    if (read instanceof Promise && client.left) return;
    // Negotiate before the handler runs: it must not work for a reply that the client does not accept.
    negotiate(req, offers.run);
    const bound = refusingDepth(data, () => plan.bind(slot.fields, checked, data));
    const returned = handler(bound as never, io);
    // Await only what has to be waited for, here too: a Readable may fail in this very turn.
    const output = isThenable(returned) ? await returned : returned;
    // A handler that stops because the client has left owes no answer.
    if (output === undefined && !taken.isTaken && !client.left) throw NOTHING_RETURNED();
    const { readOutput } = plan;
    const mayHaveAnswered = taken.isResTaken;
    const sending = sendReply({ req, res, state, offers, readOutput, mayHaveAnswered }, output);
    if (sending !== undefined) await sending;
  } catch (error) {
    // The error is the client's fault or our own abort: the client that would get it has left.
    if (client.left && (isFaultOfClient(error) || error === taken.signal?.reason)) return;
    next(toError(error));
  }
}

function isFaultOfClient(error: unknown): boolean {
  return isAbortError(error) || (error instanceof EnvelopeError && error.code === 'INVALID_INPUT');
}

/** `next()` takes undefined for "go on" and `'route'` for "skip": a thrown value must never reach `next()` as either. */
function toError(thrown: unknown): unknown {
  if (typeof thrown === 'object' && thrown !== null) return thrown;
  return new Error('The handler threw something that is not an error', { cause: thrown });
}

const MIDDLEWARE_MISSING = () =>
  new EnvelopeError(
    'MIDDLEWARE_MISSING',
    'Mount agentEnvelope() before the routes that use bind()',
  );

/** A forgotten `return`, most of the time: the client would wait for ever. */
const NOTHING_RETURNED = () =>
  new EnvelopeError(
    'INVALID_OUTPUT',
    'The handler returned nothing, and did not take res to answer by itself',
  );

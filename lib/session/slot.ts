/** A session's values go in; the slot that holds them while its code runs comes out: in the OTel context, and beside it. */
import { AsyncLocalStorage } from 'node:async_hooks';
import {
  type Attributes,
  type Context,
  context,
  createContextKey,
  diag,
  propagation,
  type Span,
} from '@opentelemetry/api';
import type { LocatedData } from '../request/envelope.js';
import { isAbsent } from '../request/field.js';
import { SESSION_FIELD, spanAttributes } from '../request/parsed-field.js';
import { configError } from '../shared/errors.js';
import { guardTracing } from './tracing.js';

/** One request's session. Only its id may still change, once, from absent to the id of an engine. */
export interface SessionSlot {
  /** Allowlisted values by name. */
  readonly fields: Record<string, unknown>;
  /** What every span of the session carries. */
  readonly attributes: Attributes;
  /** Whether the id also goes into W3C baggage. */
  readonly baggage: boolean;
  /** What the request's body said, to name a place in it; absent outside of a request. */
  readonly data?: LocatedData | undefined;
  /** Open spans that are to get the id when there is one. */
  waiting?: Set<Span>;
}

/** `createContextKey` is `Symbol.for`: two copies of the package (ESM and CJS) share the key. */
const SLOT_KEY = createContextKey('express-agent-envelope.session');

/**
 * The second source. `@opentelemetry/instrumentation-express` 0.48 to 0.61 and `-router` before 0.63 run what follows a
 * middleware in the context from before it (open-telemetry/opentelemetry-js-contrib #2638, #3437, #3527), and without a
 * context manager OTel keeps no context at all. Shared through the global symbol registry for the same reason as the key.
 */
const STORAGE_KEY = Symbol.for('express-agent-envelope.storage');
const globals = globalThis as { [STORAGE_KEY]?: AsyncLocalStorage<SessionSlot> };
const storage = globals[STORAGE_KEY] ?? new AsyncLocalStorage<SessionSlot>();
globals[STORAGE_KEY] = storage;

/** The slot that `ctx` carries; without `ctx`, the slot of the code that is running. */
export function activeSlot(ctx?: Context): SessionSlot | undefined {
  const slot = (ctx ?? context.active()).getValue(SLOT_KEY) as SessionSlot | undefined;
  return slot ?? (ctx === undefined ? storage.getStore() : undefined);
}

/** Runs `fn` in the session of `slot`, on top of `base`. */
export function runInSlot<T>(slot: SessionSlot, base: Context, fn: () => T): T {
  return storage.run(slot, enter<T>, contextWithSlot(slot, base), fn);
}

function enter<T>(ctx: Context, fn: () => T): T {
  return context.with(ctx, fn);
}

/** Runs `fn` in the session of `slot`; re-enters its context only where it was lost on the way. */
export function resumeSlot<T>(slot: SessionSlot, fn: () => T): T {
  const active = context.active();
  return active.getValue(SLOT_KEY) === slot ? fn() : runInSlot(slot, active, fn);
}

/** A context like `base`, in the session of `slot`. Pure. */
export function contextWithSlot(slot: SessionSlot, base: Context): Context {
  const ctx = base.setValue(SLOT_KEY, slot);
  const id = slot.fields.session_id;
  if (!slot.baggage || typeof id !== 'string') return ctx;
  const baggage = propagation.getBaggage(ctx) ?? propagation.createBaggage();
  return propagation.setBaggage(ctx, baggage.setEntry('session.id', { value: id }));
}

/** Gives the slot its id when it has none yet; an id that is there stays. */
export function adoptSessionId(slot: SessionSlot, id: string): void {
  if (slot.fields.session_id !== undefined) return;
  slot.fields.session_id = id;
  Object.assign(slot.attributes, spanAttributes([SESSION_FIELD], slot.fields));
  for (const span of slot.waiting ?? []) {
    guardTracing(() => {
      span.setAttributes(slot.attributes);
    });
  }
  slot.waiting?.clear();
}

/**
 * A slot with this id and the other fields of `outer`.
 *
 * @throws TypeError when `id` breaks the rule
 */
export function deriveSlot(
  id: string | null | undefined,
  outer: SessionSlot | undefined,
): SessionSlot {
  const present = isAbsent(id) ? undefined : id;
  const [broken] = (present !== undefined && SESSION_FIELD.check(present)) || [];
  if (broken !== undefined) throw configError('session id', broken.detail, typeof id);
  const fields = { ...outer?.fields, session_id: present };
  const attributes = { ...outer?.attributes };
  for (const attribute of SESSION_FIELD.attributes) delete attributes[attribute];
  Object.assign(attributes, spanAttributes([SESSION_FIELD], fields));
  return { fields, attributes, baggage: outer?.baggage ?? false, data: outer?.data };
}

let looked = false;

/** Says once, through OTel's `diag`, that no context manager keeps contexts. Call it where `slot` was just entered. */
export function warnWithoutContextManager(slot: SessionSlot): void {
  if (looked) return;
  looked = true;
  if (context.active().getValue(SLOT_KEY) === slot) return;
  diag.warn(
    'express-agent-envelope NO_CONTEXT_MANAGER: no OpenTelemetry context manager is registered. getSessionId() works; ' +
      'spans have no parents until a context manager is registered before the first request.',
  );
}

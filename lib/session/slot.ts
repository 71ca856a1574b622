/** A session's values go in; the slot that holds them while its code runs comes out: in the OTel context, and beside it. */
import { AsyncLocalStorage } from 'node:async_hooks';
import {
  type Attributes,
  type AttributeValue,
  type Context,
  createContextKey,
  propagation,
} from '@opentelemetry/api';
import type { LocatedData } from '../request/envelope.js';
import { isAbsent } from '../request/field.js';
import { SESSION_FIELD } from '../request/parsed-field.js';
import { configError } from '../shared/errors.js';
import {
  DEFAULT_SESSION_ATTRIBUTES,
  isSignOfAi,
  type SessionAttributes,
} from './session-attributes.js';
import { activeContext, reportTracing, withContext } from './tracing.js';

/** One request's session. Only its id may still change, once, from absent to the id of an engine. */
export interface SessionSlot {
  /** Allowlisted values by name. */
  readonly fields: Record<string, unknown>;
  /** Under which attributes the id goes onto spans. */
  readonly sessionAttributes: SessionAttributes;
  /** What every span of the session carries. */
  readonly attributes: Attributes;
  /** What its spans of AI carry besides. */
  readonly aiAttributes: Attributes;
  /** Whether the id also goes into W3C baggage. */
  readonly baggage: boolean;
  /** What the request's body said, to name a place in it; absent outside of a request. */
  readonly data?: LocatedData | undefined;
  /** The first span that is in the session: all others are inside of it, or follow it. */
  outermost?: object | undefined;
}

/**
 * A session.
 *
 * @param values - allowlisted values by name
 * @param attributes - the span attributes of the fields
 * @param outer - the session around it: the same conversation has the same outermost span
 */
export function createSlot(
  values: Record<string, unknown>,
  attributes: Attributes,
  declared: Pick<SessionSlot, 'sessionAttributes' | 'baggage' | 'data'>,
  outer?: SessionSlot,
): SessionSlot {
  const slot: SessionSlot = {
    fields: values,
    sessionAttributes: declared.sessionAttributes,
    attributes: {},
    aiAttributes: {},
    baggage: declared.baggage,
    data: declared.data,
  };
  if (outer?.fields.session_id === values.session_id) slot.outermost = outer?.outermost;
  for (const name of Object.keys(attributes)) addAttribute(slot, name, attributes[name]);
  addId(slot);
  return slot;
}

function addAttribute(slot: SessionSlot, name: string, value: AttributeValue | undefined): void {
  (isSignOfAi(name) ? slot.aiAttributes : slot.attributes)[name] = value;
}

function addId(slot: SessionSlot): void {
  const id = slot.fields.session_id as string | undefined;
  if (id === undefined) return;
  for (const name of slot.sessionAttributes.ids) addAttribute(slot, name, id);
}

/** The id under each of its attributes; empty where there is none. */
export function idAttributes({ fields, sessionAttributes }: SessionSlot): Attributes {
  const id = fields.session_id as string | undefined;
  return Object.fromEntries(
    id === undefined ? [] : sessionAttributes.ids.map((name) => [name, id]),
  );
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
  const slot = slotOf(ctx ?? activeContext());
  return slot ?? (ctx === undefined ? storage.getStore() : undefined);
}

/** A context may be code of others, too. */
function slotOf(ctx: Context): SessionSlot | undefined {
  try {
    return ctx.getValue(SLOT_KEY) as SessionSlot | undefined;
  } catch (error) {
    reportTracing(error);
    return undefined;
  }
}

/** Runs `fn` in the session of `slot`, on top of `base`. */
export function runInSlot<T>(slot: SessionSlot, base: Context, fn: () => T): T {
  return storage.run(slot, withContext<T>, contextWithSlot(slot, base), fn);
}

/** Runs `fn` in the session of `slot`; re-enters its context only where it was lost on the way. */
export function resumeSlot<T>(slot: SessionSlot, fn: () => T): T {
  const active = activeContext();
  return slotOf(active) === slot ? fn() : runInSlot(slot, active, fn);
}

/** A context like `base`, in the session of `slot`. Pure. */
export function contextWithSlot(slot: SessionSlot, base: Context): Context {
  let ctx = base;
  try {
    ctx = base.setValue(SLOT_KEY, slot);
    const id = slot.fields.session_id;
    if (!slot.baggage || typeof id !== 'string') return ctx;
    const baggage = propagation.getBaggage(ctx) ?? propagation.createBaggage();
    return propagation.setBaggage(ctx, baggage.setEntry('session.id', { value: id }));
  } catch (error) {
    reportTracing(error);
    return ctx;
  }
}

/** Gives the slot its id when it has none yet; an id that is there stays. Spans that are open get it when they end. */
export function adoptSessionId(slot: SessionSlot, id: string): void {
  if (slot.fields.session_id !== undefined) return;
  slot.fields.session_id = id;
  addId(slot);
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
  const values = { ...outer?.fields, session_id: present };
  const declared = outer ?? { sessionAttributes: DEFAULT_SESSION_ATTRIBUTES, baggage: false };
  return createSlot(values, outer === undefined ? {} : fieldAttributesOf(outer), declared, outer);
}

/** The span attributes of a session without those of its id. */
export function fieldAttributesOf(slot: SessionSlot): Attributes {
  const attributes = { ...slot.attributes, ...slot.aiAttributes };
  for (const name of slot.sessionAttributes.ids) delete attributes[name];
  return attributes;
}

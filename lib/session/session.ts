/** What the app asks of the session: its id and fields, of a context or of the running code, and code to run inside it. */
import { type Context, trace } from '@opentelemetry/api';
import { stampSpan } from './request-span.js';
import { diagnoseContext } from './self-diagnosis.js';
import { activeSlot, contextWithSlot, deriveSlot, runInSlot } from './slot.js';
import { activeContext, guardTracing } from './tracing.js';

/**
 * The session id of `ctx`, or of the code that is running.
 *
 * @param ctx - an OTel context. @defaultValue the active one
 * @returns the id, or `undefined` outside a session and in one without an id
 * @example
 * ```ts
 * logger.info({ session_id: getSessionId() }, 'calling the model');
 * ```
 */
export function getSessionId(ctx?: Context): string | undefined {
  return activeSlot(ctx)?.fields.session_id as string | undefined;
}

/**
 * All allowlisted values of the active request, by their names on the wire: what a log line needs for correlation.
 *
 * @param ctx - an OTel context. @defaultValue the active one
 * @returns a new object with the values that are there; empty outside a session
 * @example
 * ```ts
 * const logger = pino({ mixin: () => getEnvelopeFields() });
 * ```
 */
export function getEnvelopeFields(ctx?: Context): Record<string, unknown> {
  const present = Object.entries(activeSlot(ctx)?.fields ?? {});
  return Object.fromEntries(present.filter(([, value]) => value !== undefined));
}

/**
 * A context like `ctx` whose session id is `id`. Pure: nothing is entered, `ctx` stays as it is. A null or blank `id`
 * gives a session without an id.
 *
 * @throws TypeError when `id` breaks the rule of {@link sessionId}
 */
export function setSessionId(ctx: Context, id: string | null | undefined): Context {
  return contextWithSlot(deriveSlot(id, activeSlot(ctx)), ctx);
}

/**
 * Runs `fn` in a session: a queue worker, a cron job, a test. In an Express app `agentEnvelope()` does it. The span that is active
 * when it begins, such as the job's, belongs to the session too, unless it is in another one.
 *
 * @param id - the session's id; null or blank for a session without one
 * @returns what `fn` returns
 * @throws TypeError when `id` breaks the rule of {@link sessionId}
 * @example
 * ```ts
 * await withSessionId(job.sessionId, () => summarize(job));
 * ```
 */
export function withSessionId<T>(id: string | null | undefined, fn: () => T): T {
  const slot = deriveSlot(id, activeSlot());
  const active = activeContext();
  stampSpan(
    slot,
    guardTracing(() => trace.getSpan(active), undefined),
  );
  return runInSlot(slot, active, () => {
    diagnoseContext(slot);
    return fn();
  });
}

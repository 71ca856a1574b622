/** The id a run was asked for goes in, the session it runs in comes out, and the one id of the run. */
import type { Context } from '@opentelemetry/api';
import { isAbsent } from '../request/field.js';
import { SESSION_FIELD } from '../request/parsed-field.js';
import { stampOpenSpans } from '../session/request-span.js';
import { resolveRunSessionId } from '../session/run-session-id.js';
import { activeSlot, adoptSessionId, deriveSlot, type SessionSlot } from '../session/slot.js';
import { activeContext } from '../session/tracing.js';
import { engineFailed } from './engine-error.js';

/**
 * The session of a run: the active request's own, which may take an id yet; another one only for a run that names another
 * conversation.
 *
 * @throws TypeError for an id that breaks the rule
 */
export function sessionOfRun(sessionId: string | null | undefined): SessionSlot {
  const active = activeSlot();
  const activeId = (active?.fields.session_id as string | undefined) ?? '';
  // The policy takes one of another type for absent: the conversation's id would be lost. The check refuses it.
  if (typeof sessionId !== 'string' && !isAbsent(sessionId)) deriveSlot(sessionId, active);
  const id = resolveRunSessionId({ sessionId }, activeId);
  // Checks the id, whichever slot is used.
  const own = deriveSlot(id, active);
  if (active === undefined || (activeId !== '' && activeId !== id)) return own;
  if (id !== '') giveId(active, id, activeContext());
  return active;
}

/**
 * The one id of the run, once the engine's is known. A session without an id takes this one.
 *
 * @param ctx - the context with the spans that were open before the run
 * @throws {@link EnvelopeError} `ENGINE_FAILED` for an engine's id that breaks the rule: a client could not send it back
 */
export function idOfRun(slot: SessionSlot, engineSessionId: string, ctx: Context): string {
  const [broken] = SESSION_FIELD.check(engineSessionId) ?? [];
  if (broken !== undefined) {
    throw engineFailed(`The id of the engine's session ${broken.detail}`);
  }
  const platformId = slot.fields.session_id as string | undefined;
  const id = resolveRunSessionId({ sessionId: platformId }, engineSessionId);
  giveId(slot, id, ctx);
  return id;
}

/** Lets a session without an id have this one: its reply, its server span, and what starts from now on. */
function giveId(slot: SessionSlot, id: string, ctx: Context): void {
  if (slot.fields.session_id !== undefined) return;
  adoptSessionId(slot, id);
  stampOpenSpans(slot, ctx);
}

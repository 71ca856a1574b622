/** The whole precedence policy between the platform's session id and an engine's own. It is decided here and nowhere else. */
import { isBlank } from '../shared/json.js';

/**
 * The one id of a run: the platform's when it is there and not blank, returned as it is; else the engine's own.
 * The id is for correlation, not for state: nothing may be loaded by it.
 *
 * @param request - anything that may carry the platform's id
 * @param fallback - the id the engine gave itself
 * @returns the id that marks every span, event and reply of the run
 * @example
 * ```ts
 * resolveRunSessionId({ sessionId: 'conv-42' }, engine.id); // 'conv-42'
 * resolveRunSessionId({ sessionId: ' ' }, engine.id); // engine.id
 * ```
 */
export function resolveRunSessionId(
  request: { readonly sessionId?: string | null | undefined },
  fallback: string,
): string {
  const { sessionId } = request;
  return typeof sessionId === 'string' && !isBlank(sessionId) ? sessionId : fallback;
}

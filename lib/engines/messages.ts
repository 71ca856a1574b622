/** A run's messages go in; what is wrong with them comes out. Once, for every engine. */
import { detailsError, type ErrorDetail } from '../errors.js';
import { isJsonObject } from '../json.js';
import type { AgentMessage } from '../run.js';

const ROLES: readonly unknown[] = ['system', 'user', 'assistant'] satisfies AgentMessage['role'][];

/**
 * Checks what often comes from a client: the route may have declared no schema for it.
 *
 * @throws {@link EnvelopeError} `INVALID_INPUT` (422): the pointers start at the run's request
 */
export function checkMessages(messages: readonly AgentMessage[]): void {
  const error = faultOf(messages);
  if (error !== undefined) throw detailsError('INVALID_INPUT', [error]);
}

function faultOf(messages: unknown): ErrorDetail | undefined {
  const pointer = '/messages';
  if (!Array.isArray(messages)) return { pointer, detail: 'must be an array' };
  for (const [i, message] of messages.entries()) {
    const at = `${pointer}/${i}`;
    if (!isJsonObject(message)) return { pointer: at, detail: 'must be an object' };
    if (!ROLES.includes(message.role)) {
      return { pointer: `${at}/role`, detail: `must be one of ${ROLES.join(', ')}` };
    }
    if (typeof message.content !== 'string') {
      return { pointer: `${at}/content`, detail: 'must be a string' };
    }
  }
  const last = messages.findLast(({ role }) => role !== 'system');
  return last?.role === 'user'
    ? undefined
    : { pointer, detail: 'must end with a message of the user' };
}

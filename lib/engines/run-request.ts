/** The arguments of `run()` go in; a wrong one throws. They are checked once, for every engine. */
import { configError, EnvelopeError } from '../shared/errors.js';
import { isJsonObject } from '../shared/json.js';
import type { AgentMessage } from '../shared/run-events.js';
import type { AgentEngine, AgentRunRequest } from './engine.js';

const MEMBERS: readonly (keyof AgentRunRequest)[] = [
  'messages',
  'model',
  'parameters',
  'sessionId',
];
const ROLES: readonly unknown[] = ['system', 'user', 'assistant'] satisfies AgentMessage['role'][];

/** @throws TypeError for what is no engine */
export function checkEngine(engine: AgentEngine, place = 'run: engine'): void {
  const isEngine = isJsonObject(engine) && typeof engine.open === 'function';
  if (!isEngine || typeof engine.name !== 'string') {
    throw configError(place, 'must have a name and a method open', engine);
  }
}

/**
 * Checks the request, the messages above all: they often come from a client, and the route may have declared no schema.
 *
 * @throws TypeError for a member that no run has, `session_id` for `sessionId`, say: the id would be lost
 * @throws {@link EnvelopeError} `INVALID_INPUT` (422) for the messages
 */
export function parseRequest(request: AgentRunRequest): AgentRunRequest {
  if (!isJsonObject(request)) throw configError('run: request', 'must be an object', request);
  const members: readonly string[] = MEMBERS;
  const stranger = Object.keys(request).find((name) => !members.includes(name));
  if (stranger !== undefined) {
    throw configError('run: request', `must have only ${MEMBERS.join(', ')}`, stranger);
  }
  // Own members only: a session id is never read through a polluted prototype.
  const own = Object.assign(Object.create(null), request) as AgentRunRequest;
  const fault = faultOf(own.messages);
  // Without a pointer: only the route knows where in its envelope the messages were.
  if (fault !== undefined) throw new EnvelopeError('INVALID_INPUT', fault);
  return own;
}

function faultOf(messages: unknown): string | undefined {
  if (!Array.isArray(messages)) return 'messages must be an array';
  for (const [i, message] of messages.entries()) {
    const at = `messages[${i}]`;
    if (!isJsonObject(message)) return `${at} must be an object`;
    if (!ROLES.includes(message.role)) return `${at}.role must be one of ${ROLES.join(', ')}`;
    if (typeof message.content !== 'string') return `${at}.content must be a string`;
  }
  const last = messages.findLast(({ role }) => role !== 'system');
  return last?.role === 'user' ? undefined : 'messages must end with a message of the user';
}

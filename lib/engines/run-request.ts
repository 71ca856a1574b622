/** The arguments of `run()` go in; a wrong one throws. They are checked once, for every engine. */
import { configError } from '../shared/errors.js';
import { isJsonObject, type JsonObject } from '../shared/json.js';
import { refuseInherited } from '../shared/option-parsing.js';
import type { AgentEngine, AgentRunRequest } from './engine.js';
import { type Rule, TEXT } from './event-check.js';
import { faultOfMessages, PART_TYPES } from './message-check.js';
import { messagesError, refuseParts } from './message-error.js';

/** The members that have no check of their own elsewhere. */
const OPTIONAL: Readonly<Record<Exclude<keyof AgentRunRequest, 'messages' | 'sessionId'>, Rule>> = {
  model: TEXT,
  parameters: { text: 'an object', holds: isJsonObject },
};
const MEMBERS = ['messages', 'sessionId', ...Object.keys(OPTIONAL)];

/** @throws TypeError for what is no engine */
export function checkEngine(engine: AgentEngine, place = 'run: engine'): void {
  const isEngine = isJsonObject(engine) && typeof engine.open === 'function';
  if (!isEngine || typeof engine.name !== 'string') {
    throw configError(place, 'must have a name and a method open', engine);
  }
}

/**
 * Checks the request, the messages above all.
 *
 * @throws TypeError for a member that no run has, `session_id` for `sessionId`, say: the id would be lost; for a member of the wrong
 * type; for an engine whose `accepts` names a part that there is not
 * @throws {@link EnvelopeError} `INVALID_INPUT` (422) for the messages, and for a part that the engine says it cannot take
 */
export function parseRequest(engine: AgentEngine, request: AgentRunRequest): AgentRunRequest {
  // The value is not shown: it may be what a client has sent.
  if (!isJsonObject(request)) throw new TypeError('run: request must be an object');
  const stranger = Object.keys(request).find((name) => !MEMBERS.includes(name));
  if (stranger !== undefined) {
    throw configError('run: request', `must have only ${MEMBERS.join(', ')}`, stranger);
  }
  refuseInherited('run: request', request, MEMBERS);
  // Own members only: a session id is never read through a polluted prototype.
  const own = Object.assign(Object.create(null) as JsonObject, request);
  for (const [name, { text, holds }] of Object.entries(OPTIONAL)) {
    if (own[name] === undefined || own[name] === null) delete own[name];
    else if (!holds(own[name])) throw new TypeError(`run: request.${name} must be ${text}`);
  }
  const fault = faultOfMessages(own.messages);
  if (fault !== undefined) throw messagesError(own.messages, fault);
  const { accepts } = engine;
  if (accepts !== undefined) {
    if (!Array.isArray(accepts) || !accepts.every((type) => PART_TYPES.includes(type))) {
      throw configError(
        'run: engine.accepts',
        `must be a list of ${PART_TYPES.join(', ')}`,
        accepts,
      );
    }
    refuseParts(own.messages, `the engine "${engine.name}"`, ({ type }) => accepts.includes(type));
  }
  return own;
}

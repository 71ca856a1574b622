/** The messages of an agent go in, the events of its turn come out, to be pulled. */
import type { SessionUpdate, ToolCallUpdate } from '@agentclientprotocol/sdk';
import { isJsonObject } from '../../shared/json.js';
import type { AgentEvent } from '../../shared/run-events.js';
import type { Decision } from '../decisions.js';
import { createEventQueue } from '../event-queue.js';
import { onAbort } from '../waiting.js';
import { createEventMapper } from './events.js';
import { memberAt, type RpcMessage } from './rpc.js';

/** The events of one session's turn. */
export interface TurnEvents {
  /** Takes a message of the agent, and the method of the request that it answers. */
  onMessage(message: RpcMessage, answers?: string): void;
  /** Whether the agent takes images. */
  readonly takesImages: boolean;
  /** The agent was told that it may not make this call. */
  onDenied(toolCallId: string): void;
  /** What the user has decided about this call in the turn before. */
  decisionOn(toolCallId: string): Decision | undefined;
  /** Ends the events: the user is asked about this call. */
  ask(toolCallId: string): void;
  /** The events of a turn, until `turn` settles and the last of them is out. */
  read(turn: Promise<unknown>, signal: AbortSignal): AsyncGenerator<AgentEvent>;
}

/** @param decisions - what the user has decided about the calls of the turn before */
export function createTurnEvents(decisions: readonly Decision[]): TurnEvents {
  const queue = createEventQueue<AgentEvent>();
  const mapper = createEventMapper(queue.push, decisions);
  let inTurn = false;
  let agentSessionId: string | undefined;
  let takesImages = false;
  let banner: unknown;
  /** An adapter may send a greeting of its own, with paths of its machine, at any time after the session was opened. */
  const isBanner = (update: SessionUpdate) => {
    if (update.sessionUpdate !== 'agent_message_chunk' || update.content.type !== 'text')
      return false;
    if (update.content.text !== banner) return false;
    banner = undefined;
    return true;
  };
  return {
    get takesImages() {
      return takesImages;
    },
    onDenied: mapper.onDenied,
    decisionOn: mapper.decisionOn,
    ask(toolCallId) {
      // One question is enough to end the turn.
      if (!inTurn) return;
      inTurn = false;
      mapper.onAsked(toolCallId);
      queue.end();
    },
    onMessage({ method, params, result }, answers) {
      if (answers === 'initialize') {
        takesImages = memberAt(result, 'agentCapabilities', 'promptCapabilities', 'image') === true;
      }
      if (answers === 'session/new' && isJsonObject(result)) {
        const [from, to] = [agentSessionId, String(result.sessionId)];
        // The SDK makes another session under the same id when the agent does not answer to the first one any more.
        if (from !== undefined && from !== to) queue.push({ type: 'session.replaced', from, to });
        agentSessionId = to;
        banner = memberAt(result, '_meta', 'piAcp', 'startupInfo');
      }
      if (!isJsonObject(params)) return;
      if (method === 'session/update') {
        const update = params.update as SessionUpdate;
        // It mostly comes before the turn, and is dropped once: it may be a mere line feed, which an answer has, too.
        if (!isBanner(update) && inTurn) mapper.onUpdate(update);
      }
      if (method === 'session/request_permission' && inTurn) {
        mapper.onPermissionRequest(params.toolCall as ToolCallUpdate);
      }
    },
    async *read(turn, signal) {
      inTurn = true;
      const end = () => {
        if (!inTurn) return;
        inTurn = false;
        mapper.end();
        queue.end();
      };
      turn.then(end, end);
      const forget = onAbort(signal, () => queue.end(signal.reason));
      try {
        yield* queue.items();
      } finally {
        forget();
      }
    },
  };
}

/** An agent's session at the daemon goes in, an engine's session comes out: its turn, its requests for permission, its end. */
import type { SandboxAgent, Session, SessionPermissionRequest } from 'sandbox-agent';
import { configError } from '../../shared/errors.js';
import { refusedResults } from '../decisions.js';
import type { EngineSession } from '../engine.js';
import { engineFailed } from '../engine-error.js';
import { usageOf } from '../event-check.js';
import { atMost } from '../waiting.js';
import { toolName } from './events.js';
import {
  isPermission,
  type RivetConfiguration,
  type RivetPermission,
  type RivetReply,
} from './options.js';
import { toPrompt } from './prompt.js';
import type { TurnEvents } from './turn-events.js';

/** What a session is made of. */
export interface RivetSessionParts {
  readonly client: SandboxAgent;
  readonly session: Session;
  readonly model: string | undefined;
  readonly events: TurnEvents;
  readonly signal: AbortSignal;
  readonly permissions: RivetConfiguration['permissions'];
  /** Releases the client, the daemon and the directory. */
  readonly release: () => Promise<void>;
}

/** How long an agent may take to end its turn when it is cancelled: it has programs of its own to stop. */
const CANCEL_MS = 1000;

export function createRivetSession(parts: RivetSessionParts): EngineSession {
  const { client, session, model, events, signal, permissions, release } = parts;
  let turn: Promise<unknown> | undefined;
  let policyFailure: { readonly error: unknown } | undefined;
  let closing: Promise<void> | undefined;

  // The SDK calls from where it reads its stream, which it began in the context of the run: a policy runs there, too.
  const onRequest = async (request: SessionPermissionRequest) => {
    let reply: RivetPermission = 'reject';
    try {
      reply = await decide(permissions, request);
    } catch (error) {
      policyFailure ??= { error };
    }
    const { toolCallId } = request.toolCall;
    if (reply === 'ask') {
      const decision = events.decisionOn(toolCallId);
      if (decision === undefined) return events.ask(toolCallId);
      reply = decision.approved ? 'once' : 'reject';
    }
    if (reply === 'reject') events.onDenied(toolCallId);
    await respond(session, request, reply);
  };
  // `onRequest` rejects when the session has ended meanwhile; that end has answered the agent.
  session.onPermissionRequest((request) => void onRequest(request).catch(() => undefined));

  return {
    // This id is the SDK client's; the agent has its own. The platform's id goes to neither.
    id: session.id,
    model,
    async *prompt({ messages }) {
      signal.throwIfAborted();
      yield* refusedResults(messages);
      const answer = session.prompt(toPrompt(messages));
      const over = () => {
        turn = undefined;
      };
      turn = answer.then(over, over);
      let answered = false;
      let asked = false;
      for await (const event of events.read(turn, signal)) {
        answered ||= event.type === 'message.delta' || event.type.startsWith('tool.');
        asked ||= event.type === 'tool.approval';
        yield event;
      }
      if (policyFailure) throw policyFailure.error;
      // The agent still waits for its permission: `close()` ends its turn.
      if (asked) return yield { type: 'run.end', stop_reason: 'approval' };
      const { stopReason, usage } = await answer;
      // Adapters report so that their call to the model has failed.
      if (stopReason === 'end_turn' && !answered) {
        throw engineFailed('The agent ended its turn without an answer');
      }
      yield* usageOf(usage?.inputTokens, usage?.outputTokens);
      yield { type: 'run.end', stop_reason: stopReason };
    },
    close() {
      closing ??= (async () => {
        if (turn !== undefined) {
          // ACP's session/cancel: a turn that heeds it ends soon.
          client.destroySession(session.id).catch(() => undefined);
          await atMost(CANCEL_MS, turn);
        }
        await release();
      })();
      return closing;
    },
  };
}

async function decide(
  permissions: RivetConfiguration['permissions'],
  { toolCall, availableReplies }: SessionPermissionRequest,
): Promise<RivetPermission> {
  if (typeof permissions !== 'function') return permissions;
  const reply: unknown = await permissions({
    id: toolCall.toolCallId,
    name: toolName(toolCall),
    title: toolCall.title ?? undefined,
    arguments: toolCall.rawInput ?? {},
    replies: availableReplies,
  });
  if (isPermission(reply)) return reply;
  throw configError('rivet: permissions', 'must return once, always, reject or ask', reply);
}

async function respond(
  session: Session,
  { id, availableReplies }: SessionPermissionRequest,
  reply: RivetReply,
): Promise<void> {
  const known = reply === 'always' && !availableReplies.includes(reply) ? 'once' : reply;
  if (availableReplies.includes(known)) return session.respondPermission(id, known);
  // The agent does not offer this answer; sending another could be misread as consent.
  return session.rawRespondPermission(id, { outcome: { outcome: 'cancelled' } });
}

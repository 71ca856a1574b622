/** Options go in, an engine comes out that drives a coding agent over ACP, through Rivet's daemon `sandbox-agent`. */
import type { Session, SessionPersistDriver, SessionRecord } from 'sandbox-agent';
import { decisionsOf } from '../decisions.js';
import type { AgentEngine, EngineRequest, EngineSession } from '../engine.js';
import { engineLate } from '../engine-error.js';
import { requirePeers } from '../peer.js';
import { onAbort, orAborted, within } from '../waiting.js';
import { connectDaemon } from './connect.js';
import { startDaemon } from './daemon.js';
import { GuardedFetch } from './fetch.js';
import { parseOptions, type RivetConfiguration, type RivetOptions } from './options.js';
import { refuseImages } from './prompt.js';
import { createRivetSession } from './session.js';
import { createTurnEvents } from './turn-events.js';

export type {
  RivetOptions,
  RivetPermission,
  RivetPermissionRequest,
  RivetReply,
} from './options.js';

/**
 * An engine that drives a coding agent, such as Claude Code or Codex, over the Agent Client Protocol, through Rivet's
 * [sandbox-agent](https://www.npmjs.com/package/sandbox-agent) daemon. Each run has a daemon of its own (or a session of its
 * own at the daemon of `options.url`) and an empty directory to work in; both are gone when it ends.
 *
 * The messages go to the agent as one text, with images by their bytes where the agent takes any; files are refused. What it may do without asking is up to the agent; what it asks for is up to
 * `options.permissions`. A request's `model` is one that the agent offers.
 *
 * The engine's own session id is that of the daemon's client. When the client has to start another session of the agent, the
 * event `session.replaced` says so, with the agent's ids.
 *
 * @param options - see {@link RivetOptions}
 * @throws TypeError at once, when an option is wrong
 * @throws Error at once, with the code `PEER_MISSING`, when `sandbox-agent` is not installed
 * @throws {@link index!EnvelopeError | EnvelopeError} from the run: `INVALID_INPUT` (422) for a part that the agent does not take
 * @throws {@link index!EnvelopeError | EnvelopeError} from the run: `ENGINE_FAILED`, 502 for a daemon that cannot be started or reached, an agent
 * that is not there, fails, dies, or ends its turn without an answer, and a model it does not offer; 504 for a session that does not open in
 * `startTimeoutMs`
 * @example
 * ```ts
 * const engine = rivet({ agent: 'claude', permissions: ({ name }) => (name === 'read' ? 'once' : 'reject') });
 * app.post('/chat', bind({ inputs: conversation }, ({ inputs }, { signal }) => run(engine, { messages: inputs.messages }, { signal })));
 * ```
 * @see https://agentclientprotocol.com
 */
export function rivet(options?: RivetOptions): AgentEngine {
  const configuration = parseOptions(options);
  requirePeers('rivet()', ['sandbox-agent']);
  return {
    name: 'rivet',
    accepts: ['image', 'tool.call', 'tool.result', 'tool.approval'],
    async open(request, signal) {
      signal.throwIfAborted();
      const { startTimeoutMs } = configuration;
      return within(
        startTimeoutMs,
        (starting) => openSession(configuration, request, starting, signal),
        {
          outer: signal,
          late: () => engineLate(`The agent's session did not open within ${startTimeoutMs} ms`),
        },
      );
    },
  };
}

async function openSession(
  { url, token, agent, dataHome, env, permissions, maxEventBytes }: RivetConfiguration,
  { messages, model }: EngineRequest,
  starting: AbortSignal,
  signal: AbortSignal,
): Promise<EngineSession> {
  const { SandboxAgent } = await import('sandbox-agent');
  const daemon =
    url === undefined
      ? await startDaemon({ ...(dataHome && { XDG_DATA_HOME: dataHome }), ...env }, starting)
      : await connectDaemon(url, token, starting);
  const events = createTurnEvents(decisionsOf(messages));
  const guard = new GuardedFetch(events.onMessage, maxEventBytes);
  const client = await SandboxAgent.connect({
    baseUrl: daemon.url,
    fetch: guard.fetch,
    persist: recordsOnly(),
    skipHealthCheck: true,
    ...(daemon.token !== undefined && { token: daemon.token }),
  });
  const release = async () => {
    // In this order: the SDK waits for what is pending, and for the daemon.
    guard.end('The session has been closed');
    try {
      await daemon.stop();
      await client.dispose();
    } finally {
      await daemon.clean();
    }
  };
  const forget = onAbort(starting, () => guard.end('The session has been given up'));
  try {
    const { cwd } = daemon;
    const creating = client.createSession({ agent, cwd, ...(model !== undefined && { model }) });
    const session = await orAborted(creating, starting);
    refuseImages(messages, events.takesImages);
    const parts = { client, session, events, signal, permissions, release };
    return createRivetSession({ ...parts, model: modelOf(session) });
  } catch (error) {
    await release();
    throw error;
  } finally {
    forget();
  }
}

/**
 * A memory of sessions without their events. From the events the SDK would put a "replay" of the history into the first prompt
 * of a session that replaces another. Setting the SDK's replay limits to 0 means 'default', so they cannot turn it off.
 */
function recordsOnly(): SessionPersistDriver {
  const records = new Map<string, SessionRecord>();
  return {
    getSession: async (id) => records.get(id),
    listSessions: async () => ({ items: [...records.values()] }),
    updateSession: async (record) => {
      records.set(record.id, record);
    },
    listEvents: async () => ({ items: [] }),
    insertEvent: async () => {},
  };
}

/** The model that the agent reports as its own. */
function modelOf(session: Session): string | undefined {
  const option = session.toRecord().configOptions?.find(({ category }) => category === 'model');
  return typeof option?.currentValue === 'string' ? option.currentValue : undefined;
}

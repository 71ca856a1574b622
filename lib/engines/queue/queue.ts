/** Options go in, an engine comes out that has its runs done by workers: a job for each, and its events as they happen. */
import type { AgentEngine } from '../engine.js';
import { type Clients, Connections } from './connection.js';
import { parseQueueOptions, type QueueConfiguration, type QueueOptions } from './options.js';
import { loadPeers, type Peers } from './peers.js';
import { type Gateway, openRun } from './queued-run.js';
import { report } from './redis-failure.js';
import { RunStore } from './run-store.js';
import { WakeUps } from './wake-ups.js';

/**
 * An engine whose runs are jobs of a BullMQ queue. Workers ({@link runWorker}) take them, on any machine, in the session and the
 * trace of the request; the events come back over Redis as they happen. `run.start` has a `run_id`, and the frames of SSE have an
 * `id`: with them a client reads on through {@link resumeRun}.
 *
 * All runs of an engine share two connections to Redis, which close by themselves and do not keep an idle process alive.
 *
 * @param options - see {@link QueueOptions}
 * @throws TypeError at once, when an option is wrong
 * @throws Error at once, with the code `PEER_MISSING`, when `bullmq` or `ioredis` is not installed
 * @throws {@link index!EnvelopeError | EnvelopeError} from the run: what the worker's engine failed with; `ENGINE_FAILED`, 502 where
 * Redis cannot be reached, refuses a command or has lost the run, and for a run whose worker died in the middle; 504 for one that no worker starts in time,
 * or that is silent for too long
 * @example
 * ```ts
 * const engine = queue({ connection: { host: 'redis.internal' } });
 * app.post('/chat', bind({ inputs: conversation }, ({ inputs }, { signal }) => run(engine, { messages: inputs.messages }, { signal })));
 * ```
 */
export function queue(options: QueueOptions): AgentEngine {
  const configuration = parseQueueOptions(options);
  const peers = loadPeers('queue()');
  const connections = new Connections(configuration.connection, peers);
  let gateway: Gateway | undefined;
  return {
    name: 'queue',
    async open(request, signal) {
      signal.throwIfAborted();
      const clients = await connections.acquire();
      const release = () => connections.release();
      try {
        const loaded = await peers;
        // Nothing is awaited between the look and the making: the first requests come at once, and share it.
        gateway ??= createGateway(loaded, clients, configuration);
        const session = await openRun(gateway, configuration, request, signal);
        return { ...session, close: () => session.close().finally(release) };
      } catch (error) {
        release();
        throw error;
      }
    },
  };
}

function createGateway(
  { bullmq }: Peers,
  { commands, subscriber }: Clients,
  { name, prefix, telemetry }: QueueConfiguration,
): Gateway {
  const jobs = new bullmq.Queue(name, {
    connection: commands,
    prefix,
    ...(telemetry && { telemetry }),
    // A job holds a conversation: nothing of it stays.
    defaultJobOptions: { removeOnComplete: true, removeOnFail: true },
  });
  jobs.on('error', report);
  const store = new RunStore(commands, { name, prefix });
  return { jobs, store, wakeUps: new WakeUps(subscriber) };
}

/** An engine and options go in; a worker comes out that takes jobs, runs the engine and writes the events. */
import { setTimeout } from 'node:timers/promises';
import { diag } from '@opentelemetry/api';
import type { Job, Worker } from 'bullmq';
import { guardTracing } from '../../session/tracing.js';
import type { AgentEngine } from '../engine.js';
import { checkEngine } from '../run-request.js';
import { Connections } from './connection.js';
import { parseWorkerOptions, type RunWorkerOptions, type WorkerConfiguration } from './options.js';
import { loadPeers, type Peers } from './peers.js';
import { report } from './redis-failure.js';
import { RunStore } from './run-store.js';
import { processorOf } from './taken-run.js';

/**
 * How long a worker may be silent before its jobs are another's: longer than Redis or the event loop stands still, short enough
 * for a client that waits.
 */
const LOCK_MS = 10_000;
/** How often workers look for jobs whose lock has expired. */
const STALLED_MS = 2_000;
/** How long a worker waits after a failed call to Redis. */
const RETRY_MS = 500;
/** How long a worker that runs nothing any more tells Redis so: it may not be there. */
const GOODBYE_MS = 2_000;

/** A worker of a queue. */
export interface RunWorker {
  /**
   * Takes no further job, lets the running ones finish, and closes its connections. Call it when the process is asked to stop:
   * the runs of one that just exits are broken off.
   */
  close(): Promise<void>;
}

/**
 * Takes the jobs of {@link queue} and runs `engine` for each: in the session and the trace of its request, blind to the
 * platform's id, as in the gateway's own process. It waits for a Redis that is down, and reports that to OTel's `diag` with the code
 * `REDIS_UNREACHABLE`, or `REDIS_REFUSED` for one that is there and says no.
 *
 * A worker that dies before its first event has its run taken up by another, marked by `session.replaced` where the engine had
 * begun; one that dies later has broken it off, with an `ENGINE_FAILED`.
 *
 * @param engine - what answers
 * @param options - see {@link RunWorkerOptions}
 * @throws TypeError at once, for what is no engine and when an option is wrong
 * @throws Error at once, with the code `PEER_MISSING`, when `bullmq` or `ioredis` is not installed
 * @example
 * ```ts
 * const worker = runWorker(pi({ model: 'anthropic/claude-sonnet-4-5' }), { connection: { host: 'redis.internal' } });
 * process.once('SIGTERM', () => worker.close());
 * ```
 */
export function runWorker(engine: AgentEngine, options: RunWorkerOptions): RunWorker {
  checkEngine(engine, 'runWorker: engine');
  const configuration = parseWorkerOptions(options);
  const peers = loadPeers('runWorker()');
  const connections = new Connections(configuration.connection, peers);
  const started = start(engine, configuration, connections, peers);
  started.catch((error) => {
    guardTracing(() => diag.error('express-agent-envelope: runWorker() cannot start', error));
  });
  let closing: Promise<void> | undefined;
  return {
    close() {
      closing ??= started
        .then(stop)
        .catch(() => undefined)
        .then(() => connections.close());
      return closing;
    },
  };
}

async function start(
  engine: AgentEngine,
  configuration: WorkerConfiguration,
  connections: Connections,
  peers: Promise<Peers>,
): Promise<Started> {
  const { name, prefix, concurrency, telemetry } = configuration;
  const { Worker } = (await peers).bullmq;
  const client = await connections.open();
  const store = new RunStore(client, { name, prefix });
  const process = processorOf(engine, store, configuration);
  const running: Started['running'] = new Set();
  const track = (job: Job) => {
    const run = process(job).finally(() => running.delete(run));
    running.add(run);
    return run;
  };
  const worker = new Worker(name, track, {
    connection: client,
    prefix,
    concurrency,
    ...(telemetry && { telemetry }),
    lockDuration: LOCK_MS,
    lockRenewTime: LOCK_MS / 4,
    stalledInterval: STALLED_MS,
    runRetryDelay: RETRY_MS,
    // How often a job may be taken is counted with its run, where the end is written, too.
    maxStalledCount: Number.MAX_SAFE_INTEGER,
  });
  worker.on('error', report);
  return { worker, running };
}

interface Started {
  readonly worker: Worker;
  readonly running: Set<Promise<void>>;
}

/** The runs have all the time they need; without one, a Redis that is not there does not keep the process. */
async function stop({ worker, running }: Started): Promise<void> {
  let isClosed = false;
  const closed = worker.close().finally(() => {
    isClosed = true;
  });
  closed.catch(() => undefined);
  do {
    await Promise.allSettled(running);
    await Promise.race([closed, setTimeout(GOODBYE_MS, undefined, { ref: false })]);
  } while (!isClosed && running.size > 0);
}

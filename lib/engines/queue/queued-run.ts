/** One run of a gateway goes in; its job is made, its events are read, and it is cancelled where nobody wants it any more. */
import { randomUUID } from 'node:crypto';
import { diag } from '@opentelemetry/api';
import type { Queue } from 'bullmq';
import { getSessionId } from '../../session/session.js';
import { guardTracing } from '../../session/tracing.js';
import { isAbortError } from '../../shared/thrown.js';
import type { EngineRequest, EngineSession } from '../engine.js';
import { engineFailed, engineLate } from '../engine-error.js';
import { atMost, orAborted, within } from '../waiting.js';
import { createJob, JOB_NAME } from './job.js';
import type { QueueConfiguration } from './options.js';
import { insist, reached } from './redis-failure.js';
import { readEvents, readStart } from './run-reader.js';
import type { RunStore } from './run-store.js';
import { CANCELLED, START_ID, storedFailure } from './stored-event.js';
import type { WakeUps } from './wake-ups.js';

/** What all runs of an engine share. */
export interface Gateway {
  readonly jobs: Queue;
  readonly store: RunStore;
  readonly wakeUps: WakeUps;
}

/** How long a close waits for Redis, which may be asked for longer. */
const CANCEL_MS = 2_000;

/**
 * Makes a run and its job, and waits until a worker has started it.
 *
 * @param signal - aborts when the run is to end early
 */
export async function openRun(
  gateway: Gateway,
  configuration: QueueConfiguration,
  request: EngineRequest,
  signal: AbortSignal,
): Promise<EngineSession> {
  const { timeoutMs: silenceMs, onClientLeft } = configuration;
  const runId = randomUUID();
  // Listens first: nothing that a fast worker writes is missed.
  const news = gateway.wakeUps.listen(gateway.store.key(runId));
  const queued = news.ready.then(() => enqueue(gateway, configuration, runId, request));
  let failure: unknown;
  const close = async () => {
    news.stop();
    // A client that leaves aborts with no reason of its own.
    const left = failure === undefined && signal.aborted && isAbortError(signal.reason);
    if (left && onClientLeft === 'continue') return;
    const end = failure === undefined ? CANCELLED : storedFailure(failure);
    await giveUp(gateway, runId, queued, end);
  };
  try {
    const reading = { store: gateway.store, runId, news, silenceMs };
    const begin = async () => {
      await queued;
      const start = await readStart(reading);
      if (start === undefined) throw engineFailed('The run was ended before a worker began it');
      return start;
    };
    const late = () => engineLate(`No worker has started the run within ${silenceMs} ms`);
    const { engineSessionId, model, provider } = await within(
      silenceMs,
      (ended) => orAborted(reached(begin()), ended),
      { outer: signal, late },
    );
    return {
      id: engineSessionId,
      model,
      provider,
      resumable: { runId, startId: START_ID },
      async *prompt() {
        try {
          yield* readEvents(reading, Number(START_ID));
        } catch (error) {
          failure = error;
          throw error;
        }
      },
      close,
    };
  } catch (error) {
    if (!signal.aborted) failure = error;
    await close();
    throw error;
  }
}

async function enqueue(
  { jobs, store }: Gateway,
  configuration: QueueConfiguration,
  runId: string,
  request: EngineRequest,
): Promise<void> {
  const run = { ...configuration, sessionId: getSessionId() ?? '' };
  // The job first, whose worker can make the run, too: a run without a job would wait for ever, should this process end here.
  await jobs.add(JOB_NAME, createJob(request, run), { jobId: runId });
  await store.create(runId, run);
}

/**
 * Ends a run that is not over, and takes its job away. Its worker finds that it may not go on; where there is none, nobody else
 * would write the end. It never rejects.
 */
async function giveUp(
  { jobs, store }: Gateway,
  runId: string,
  queued: Promise<unknown>,
  end: string,
): Promise<void> {
  const work = async () => {
    await queued.catch(() => undefined);
    await insist(() => store.end(runId, end));
    await insist(() => jobs.remove(runId));
  };
  const done = work().catch((error) => {
    guardTracing(() => diag.error('express-agent-envelope: a run could not be ended', error));
  });
  await atMost(CANCEL_MS, done);
}

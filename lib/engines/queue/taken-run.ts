/** A job goes in; the engine runs in the session and the trace of its request, and what it does is written. */
import { randomUUID } from 'node:crypto';
import type { Job } from 'bullmq';
import { adoptSpan } from '../../session/request-span.js';
import { deriveSlot, runInSlot } from '../../session/slot.js';
import type { RunStartEvent } from '../../shared/run-events.js';
import type { AgentEngine, EngineSession } from '../engine.js';
import { engineFailed } from '../engine-error.js';
import { run } from '../run.js';
import { tellFailure } from './failed-run.js';
import { contextOfJob, parseJob, runOf } from './job.js';
import type { WorkerConfiguration } from './options.js';
import { insist } from './redis-failure.js';
import type { Claim, RunStore } from './run-store.js';
import { RunWriter } from './run-writer.js';
import { parseStart, type StoredStart, storedFailure } from './stored-event.js';
import { watchStanding } from './watch.js';

/** Why a run is not begun that another worker had taken before. */
const REFUSALS: Partial<Record<Claim['verdict'], string>> = {
  'broken-off': 'The worker of the run has died in the middle of it',
  'given-up': 'Every worker that took the run has died',
};

/** @returns a processor for BullMQ's worker. A job that it is through with has a run that is over, or another's. */
export function processorOf(engine: AgentEngine, store: RunStore, options: WorkerConfiguration) {
  const watch = watchStanding(store);
  const { onError, ...ceiling } = options;
  return async ({ id, data, attemptsStarted }: Job): Promise<void> => {
    const runId = String(id);
    const token = randomUUID();
    // Only the first time: later, a run that is not there was over, and has expired.
    const created = attemptsStarted === 1 ? runOf(data) : undefined;
    const claim = await insist(() => store.claim(runId, token, ceiling, created));
    if (claim.verdict === 'gone' || claim.verdict === 'over') return;
    const writer = new RunWriter(store, runId, token, claim.count);
    const refusal = REFUSALS[claim.verdict];
    if (refusal !== undefined) return writer.end(storedFailure(engineFailed(refusal)));
    const watched = watch(runId, token);
    try {
      await execute(engine, data, claim, writer, watched.signal);
    } catch (error) {
      // A run that was cancelled, or is another's by now, has not failed here.
      if (!watched.signal.aborted)
        tellFailure(error, { runId, sessionId: claim.sessionId }, onError);
      // Without effect on a run that is another's by now, or over.
      await writer.end(storedFailure(error));
    } finally {
      watched.stop();
    }
  };
}

async function execute(
  engine: AgentEngine,
  data: unknown,
  claim: Claim,
  writer: RunWriter,
  signal: AbortSignal,
): Promise<void> {
  const { request, trace } = parseJob(data);
  const observed = observe(engine);
  // A slot of its own: nothing of what surrounds the worker belongs to the run.
  const slot = deriveSlot(claim.sessionId, undefined);
  const surrounding = contextOfJob(trace);
  adoptSpan(slot, surrounding);
  const running = runInSlot(slot, surrounding, () => run(observed.engine, request, { signal }));
  for await (const event of running) {
    if (event.type === 'run.start') await writeStart(writer, claim, event, observed.session());
    else if (event.type === 'run.end') await writer.end(JSON.stringify(event));
    else await writer.add(event);
  }
}

/** The run's start, or where a worker before this one has written it, a mark that another session of the engine goes on. */
async function writeStart(
  writer: RunWriter,
  claim: Claim,
  event: RunStartEvent,
  session: EngineSession,
): Promise<void> {
  if (claim.start === undefined) {
    const { id: engineSessionId, model, provider } = session;
    const start: StoredStart = { event, engineSessionId, model, provider };
    return writer.start(start, event.session_id);
  }
  const { engineSessionId: from } = parseStart(claim.start);
  await writer.add({ type: 'session.replaced', from, to: session.id });
}

/** The engine, and a look at the session that it opens: `run()` tells its id only at the end. */
function observe(engine: AgentEngine) {
  let opened: EngineSession | undefined;
  const observed: AgentEngine = {
    name: engine.name,
    provider: engine.provider,
    accepts: engine.accepts,
    async open(request, signal) {
      opened = await engine.open(request, signal);
      return opened;
    },
  };
  return { engine: observed, session: () => opened as EngineSession };
}

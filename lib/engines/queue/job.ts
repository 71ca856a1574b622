/** A request and its surroundings go in, a job's data comes out, and the other way round. */
import { type Context, propagation, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { activeContext, guardTracing, idsOf } from '../../session/tracing.js';
import { isJsonObject, type JsonObject } from '../../shared/json.js';
import type { EngineRequest } from '../engine.js';
import { engineFailed } from '../engine-error.js';
import type { NewRun } from './run-store.js';

/** Name of each job. */
export const JOB_NAME = 'run';

/** Goes up when a worker that does not know the new one would do something else than was asked. */
const VERSION = 1;

/** What a job holds. The engine sees the request alone. */
export interface RunJob {
  readonly version: number;
  readonly request: EngineRequest;
  readonly run: NewRun;
  /** W3C trace context. */
  readonly trace: Readonly<Record<string, string>>;
}

export function createJob({ messages, model, parameters }: EngineRequest, run: NewRun): RunJob {
  const carrier: Record<string, string> = {};
  guardTracing(() => propagation.inject(activeContext(), carrier));
  const { sessionId, maxEvents, retentionMs, timeoutMs } = run;
  return {
    version: VERSION,
    request: { messages, model, parameters },
    run: { sessionId, maxEvents, retentionMs, timeoutMs },
    trace: carrier,
  };
}

/** @throws {@link EnvelopeError} `ENGINE_FAILED` for another version and for what is no job of this package */
export function parseJob(data: unknown): Omit<RunJob, 'run'> {
  if (!isJsonObject(data) || !isJsonObject(data.request)) {
    throw engineFailed('The job is none that a gateway of this package makes');
  }
  if (data.version !== VERSION) {
    throw engineFailed(`The worker knows version ${VERSION} of a job, and this one has another`);
  }
  // No other member: an id in it would replace the run's. What is wrong with these `run()` says.
  const { messages, model, parameters } = data.request as unknown as EngineRequest;
  const carrier = isJsonObject(data.trace) ? data.trace : {};
  return {
    version: VERSION,
    request: { messages, model, parameters },
    trace: carrier as RunJob['trace'],
  };
}

/** The run of a job; `undefined` where a gateway of this package has not made it. */
export function runOf(data: unknown): NewRun | undefined {
  const run = isJsonObject(data) ? data.run : undefined;
  if (!isJsonObject(run) || typeof run.sessionId !== 'string') return undefined;
  const bounds = [run.maxEvents, run.retentionMs, run.timeoutMs];
  return bounds.every(Number.isInteger) ? (run as unknown as NewRun) : undefined;
}

/**
 * The context that the run belongs under: the request's. Where BullMQ's telemetry made a span for the job, that span is in the
 * same trace already, and closer.
 */
export function contextOfJob(carrier: RunJob['trace'] | JsonObject): Context {
  const sent = guardTracing(() => propagation.extract(ROOT_CONTEXT, carrier), ROOT_CONTEXT);
  const active = activeContext();
  const traceId = (ctx: Context) => idsOf(trace.getSpan(ctx))?.traceId;
  return traceId(active) !== undefined && traceId(active) === traceId(sent) ? active : sent;
}

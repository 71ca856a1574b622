/** The options of `queue()` and `runWorker()` go in, complete configurations come out; whatever is wrong throws. */
import type { Telemetry } from 'bullmq';
import { configError } from '../../shared/errors.js';
import { isBlank, isJsonObject, type JsonObject } from '../../shared/json.js';
import { type Parsers, parseConfiguration, parseTimeout } from '../../shared/option-parsing.js';
import { isClient, type QueueConnection } from './connection.js';
import type { Place, Retention } from './run-store.js';

/** Where the queue is. Gateways and workers with the same values share it. */
export interface QueuePlace {
  /**
   * What BullMQ takes: `{ host, port, … }`, `{ url }`, or a client of ioredis. A client that is given is used and never closed;
   * what is made of the options closes by itself.
   */
  readonly connection: QueueConnection;
  /** Name of the queue: not blank, without a colon. @defaultValue `'agent-runs'` */
  readonly name?: string | undefined;
  /** What all keys in Redis begin with. A cluster needs one in braces: `'{bull}'`. @defaultValue `'bull'`, as BullMQ's */
  readonly prefix?: string | undefined;
}

/** How much of a run is kept. */
export interface RetentionOptions {
  /**
   * How many events of a run are kept, 1 to 1,000,000. Over it the oldest are dropped; who reads too late gets an event
   * `events.dropped` in their place.
   * @defaultValue 10,000
   */
  readonly maxEvents?: number | undefined;
  /** How long they are kept after the end, in milliseconds; 1 to 2,147,483,647. @defaultValue 3,600,000, an hour */
  readonly retentionMs?: number | undefined;
}

/** Bounds of a runner, whatever its gateways ask for. */
export interface RetentionCeiling {
  /** As of {@link QueueOptions}, at the most. @defaultValue what `queue()` says */
  readonly maxEvents?: number | undefined;
  /** As of {@link QueueOptions}, at the most. @defaultValue what `queue()` says */
  readonly retentionMs?: number | undefined;
}

/** What `queue()` takes. */
export interface QueueOptions extends QueuePlace, RetentionOptions {
  /**
   * How long a run may be silent, in milliseconds, before a worker has started it and between two of its events; 1 to
   * 2,147,483,647. Longer silence is an `ENGINE_FAILED` with status 504, and the run is cancelled.
   * @defaultValue 60,000
   */
  readonly timeoutMs?: number | undefined;
  /**
   * What becomes of a run whose client leaves: `'cancel'`, within a second, or `'continue'`, for a client that comes back through
   * {@link resumeRun}. A signal that aborts for another reason, a timeout say, cancels in both cases.
   * @defaultValue `'cancel'`
   */
  readonly onClientLeft?: 'cancel' | 'continue' | undefined;
  /** BullMQ's telemetry, `new BullMQOtel(…)` of `bullmq-otel` say. The trace is continued without it, too. */
  readonly telemetry?: Telemetry | undefined;
}

/** What `runWorker()` takes. */
export interface RunWorkerOptions extends QueuePlace, RetentionCeiling {
  /** How many runs this process has at once, 1 or more. @defaultValue 10 */
  readonly concurrency?: number | undefined;
  /** As of {@link QueueOptions}. */
  readonly telemetry?: Telemetry | undefined;
  /**
   * Sees what each run of this process fails with, in the run's session: its gateway gets neither the engine's error nor a cause.
   * @defaultValue errors of status 500 and above go to stderr with their stack and causes; not under `NODE_ENV=test`
   */
  readonly onError?: OnRunError | undefined;
}

/** What {@link RunWorkerOptions} calls with the failure of a run. What it throws or rejects with is printed. */
export type OnRunError = (error: unknown, run: { readonly runId: string }) => unknown;

/** The options, complete. */
export interface Where extends Place {
  readonly connection: QueueConnection;
}
export interface QueueConfiguration extends Where, Retention {
  readonly timeoutMs: number;
  readonly onClientLeft: 'cancel' | 'continue';
  readonly telemetry: Telemetry | undefined;
}
export interface WorkerConfiguration extends Where {
  readonly maxEvents: number | undefined;
  readonly retentionMs: number | undefined;
  readonly concurrency: number;
  readonly telemetry: Telemetry | undefined;
  readonly onError: OnRunError | undefined;
}

/** The names that all know. */
export const whereIs = (caller: string): Parsers<Where> => ({
  connection: (value) => parseConnection(`${caller}: connection`, value),
  name: (value = 'agent-runs') => parseText(`${caller}: name`, value, /^[^:]+$/),
  prefix: (value = 'bull') => parseText(`${caller}: prefix`, value, /^.+$/),
});

const parseTelemetry = (place: string) => (value: unknown) => {
  if (value === undefined || (isJsonObject(value) && isJsonObject(value.tracer))) {
    return value as Telemetry | undefined;
  }
  throw configError(place, "must be BullMQ's telemetry", value);
};

const QUEUE: Parsers<QueueConfiguration> = {
  ...whereIs('queue'),
  maxEvents: (value = 10_000) => parseCount('queue: maxEvents', value, 1_000_000),
  retentionMs: (value = 3_600_000) => parseTimeout('queue: retentionMs', value),
  timeoutMs: (value = 60_000) => parseTimeout('queue: timeoutMs', value),
  onClientLeft: (value = 'cancel') => {
    if (value === 'cancel' || value === 'continue') return value;
    throw configError('queue: onClientLeft', "must be 'cancel' or 'continue'", value);
  },
  telemetry: parseTelemetry('queue: telemetry'),
};

export const parseQueueOptions = (options: unknown) =>
  parseConfiguration('queue: options', QUEUE, options);

const WORKER: Parsers<WorkerConfiguration> = {
  ...whereIs('runWorker'),
  maxEvents: (value) =>
    value === undefined ? undefined : parseCount('runWorker: maxEvents', value, 1_000_000),
  retentionMs: (value) =>
    value === undefined ? undefined : parseTimeout('runWorker: retentionMs', value),
  concurrency: (value = 10) => parseCount('runWorker: concurrency', value, 10_000),
  telemetry: parseTelemetry('runWorker: telemetry'),
  onError: (value) => {
    if (value === undefined || typeof value === 'function') return value as OnRunError | undefined;
    throw configError('runWorker: onError', 'must be a function', value);
  },
};

export const parseWorkerOptions = (options: unknown) =>
  parseConfiguration('runWorker: options', WORKER, options);

const isText = (value: unknown) => value === undefined || typeof value === 'string';
const isPort = (value: unknown) =>
  value === undefined || (Number.isInteger(Number(value)) && Number(value) > 0);

/** The value is not shown whole: there may be a password in it. */
function parseConnection(place: string, value: unknown): QueueConnection {
  const rule = 'must be { host, port, … }, { url } or a client of ioredis';
  if (!isJsonObject(value)) throw configError(place, rule, typeof value);
  const isTheirs = isClient(value);
  const options = (isTheirs ? value.options : value) as JsonObject;
  const { host, port, url, keyPrefix } = { ...options };
  if (keyPrefix) throw configError(place, 'must have no keyPrefix: use `prefix`', keyPrefix);
  if (!isText(host)) throw configError(`${place}.host`, 'must be text', typeof host);
  if (!isText(url)) throw configError(`${place}.url`, 'must be text', typeof url);
  if (!isPort(port)) throw configError(`${place}.port`, 'must be a port', port);
  if (isTheirs && !('evalsha' in value)) throw configError(place, rule, 'another client');
  return value as QueueConnection;
}

function parseText(place: string, value: unknown, pattern: RegExp): string {
  if (typeof value === 'string' && !isBlank(value) && pattern.test(value)) return value;
  throw configError(place, 'must be text that is not blank, a name without a colon', value);
}

function parseCount(place: string, value: unknown, max: number): number {
  if (Number.isInteger(value) && Number(value) >= 1 && Number(value) <= max) return Number(value);
  throw configError(place, `must be a whole number from 1 to ${max}`, value);
}

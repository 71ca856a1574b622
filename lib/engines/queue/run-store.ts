/** A client of Redis goes in; the runs that are kept there come out, each call one step of a run's life. */
import type { Redis } from 'ioredis';
import { engineFailed } from '../engine-error.js';
import * as scripts from './scripts.js';

/** A run is forgotten by then, whatever happened to its worker. */
const LIFE_MS = 24 * 60 * 60 * 1000;
/** A job that ends the process of three workers before its first event is taken for the cause. */
const MAX_CLAIMS = 3;
/** No ceiling. */
const MAX_INTEGER = 2 ** 31 - 1;

/** Where the runs of a queue are kept. `prefix` and `name` are BullMQ's, so that one pattern finds all that a queue keeps. */
export interface Place {
  readonly prefix: string;
  readonly name: string;
}

/** How much is kept of a run. */
export interface Retention {
  readonly maxEvents: number;
  readonly retentionMs: number;
}

/** What a gateway makes a run of. */
export interface NewRun extends Retention {
  /** Empty until an engine gives its own. */
  readonly sessionId: string;
  /** How long it may be silent before whoever reads it gives it up, in milliseconds. */
  readonly timeoutMs: number;
}

/** A worker's own bounds of it. */
export type RetentionCeiling = { readonly [Name in keyof Retention]: Retention[Name] | undefined };

/** What a worker learns when it takes a job. */
export interface Claim {
  readonly verdict: 'run' | 'gone' | 'over' | 'given-up' | 'broken-off';
  readonly sessionId: string;
  /** What a worker before this one wrote as the start. */
  readonly start: string | undefined;
  /** How many events there are. */
  readonly count: number;
}

/** Some of a run's events. */
export interface Page {
  readonly start: string | undefined;
  /** How many events were written until now. */
  readonly count: number;
  readonly ended: boolean;
  readonly events: readonly { readonly number: number; readonly text: string }[];
}

/** Whether the worker may go on. */
export type Standing = 'ok' | 'lost';

export class RunStore {
  readonly #redis: Redis;
  readonly #place: Place;

  constructor(redis: Redis, place: Place) {
    this.#redis = redis;
    this.#place = place;
  }

  /** The run's key, which is its channel, too. */
  key(runId: string): string {
    return this.#keyOf('run', runId);
  }

  async create(runId: string, run: NewRun): Promise<void> {
    const { sessionId, maxEvents, retentionMs, timeoutMs } = run;
    const args = [sessionId, LIFE_MS, maxEvents, retentionMs, timeoutMs];
    await this.#call(scripts.create, runId, args, sessionId);
  }

  /**
   * @param ceiling - the worker's own bounds of what is kept
   * @param created - what the run is made of where its gateway has not come to that yet, or never will
   */
  async claim(
    runId: string,
    token: string,
    ceiling: RetentionCeiling,
    created?: NewRun,
  ): Promise<Claim> {
    const { maxEvents = MAX_INTEGER, retentionMs = MAX_INTEGER } = ceiling;
    const args = [token, LIFE_MS, MAX_CLAIMS, maxEvents, retentionMs];
    const { sessionId: id = '' } = created ?? {};
    const made = created ? [id, created.maxEvents, created.retentionMs, created.timeoutMs] : [];
    const found = await this.#call(scripts.claim, runId, [...args, ...made], id);
    const [verdict, sessionId, start, count] = found as [Claim['verdict'], string, string, number];
    return { verdict, sessionId, start: start || undefined, count };
  }

  async start(runId: string, token: string, start: string, sessionId: string): Promise<Standing> {
    const args = [token, start, sessionId, LIFE_MS];
    return (await this.#call(scripts.start, runId, args, sessionId)) as Standing;
  }

  async append(
    runId: string,
    token: string,
    { before, ends, events }: { before: number; ends: boolean; events: readonly string[] },
  ): Promise<Standing> {
    const args = [token, before, ends ? 1 : 0, LIFE_MS, ...events];
    return (await this.#call(scripts.append, runId, args)) as Standing;
  }

  /**
   * Ends a run that is not over.
   *
   * @param token - a worker's, which ends the run only while it is its own
   */
  async end(runId: string, event: string, token = ''): Promise<void> {
    await this.#call(scripts.end, runId, [event, token]);
  }

  /** Events from number `from` on; `undefined` when there is no such run. */
  async read(runId: string, from: number, limit: number): Promise<Page | undefined> {
    const found = await this.#call(scripts.read, runId, [from, limit]);
    if (!Array.isArray(found)) return undefined;
    const [start, count, entries, state] = found as [
      string | null,
      number,
      [string, string[]][],
      string,
    ];
    const events = entries.map(([id, [, text]]) => ({ number: Number.parseInt(id, 10), text }));
    return { start: start ?? undefined, count, events, ended: state === 'ended' } as Page;
  }

  /** What a client asks for before it reads; `undefined` when there is no such run. */
  async describe(runId: string) {
    const [state, sessionId, count, silence] = await this.#redis.hmget(
      this.key(runId),
      'state',
      'session_id',
      'n',
      'silence',
    );
    if (!state) return undefined;
    return {
      ended: state === 'ended',
      sessionId: sessionId ?? '',
      count: Number(count),
      silenceMs: Number(silence),
    };
  }

  /** The session's newest run that is not over; `undefined` when there is none. */
  async newestOf(sessionId: string): Promise<string | undefined> {
    const key = await this.#redis.lindex(this.#keyOf('session', sessionId), -1);
    return key?.slice(this.key('').length);
  }

  /** Whether the worker with this token may go on with the run. */
  async standing(runId: string, token: string): Promise<Standing> {
    return (await this.#redis.hget(this.key(runId), 'owner')) === token ? 'ok' : 'lost';
  }

  #keyOf(kind: 'run' | 'session', id: string): string {
    return `${this.#place.prefix}:${this.#place.name}:${kind}:${id}`;
  }

  #call(
    script: scripts.Script,
    runId: string,
    args: readonly (string | number)[],
    sessionId?: string,
  ) {
    const keys = [this.key(runId), `${this.key(runId)}:events`];
    if (sessionId !== undefined) keys.push(this.#keyOf('session', sessionId));
    return script(this.#redis, keys, args);
  }
}

/** The run was there, and is no longer: Redis has lost it, or it has expired. */
export const runGone = () => engineFailed('The run is no longer kept in Redis');

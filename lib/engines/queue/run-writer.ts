/** A worker's claim on a run goes in; its start, its events and its end are written, in order, each once. */
import { expressing } from '../../reply/event-text.js';
import type { AgentEvent } from '../../shared/run-events.js';
import { insist, reached, report } from './redis-failure.js';
import { type RunStore, runGone, type Standing } from './run-store.js';
import { storedFailure } from './stored-event.js';

/** Events in one write. What an engine sends while one is under way goes with the next: as many wait at the most. */
const MAX_BATCH = 256;

export class RunWriter {
  readonly #store: RunStore;
  readonly #runId: string;
  readonly #token: string;
  #before: number;
  #waiting: string[] = [];
  #ends = false;
  #writing: Promise<void> | undefined;
  /** The write that is under way. */
  #sent: Promise<unknown> | undefined;
  #failure: unknown;

  /** @param before - how many events stand there already */
  constructor(store: RunStore, runId: string, token: string, before: number) {
    this.#store = store;
    this.#runId = runId;
    this.#token = token;
    this.#before = before;
  }

  /** @throws {@link EnvelopeError} `ENGINE_FAILED` where the run is no longer this worker's, or Redis refuses the start */
  async start(start: object, sessionId: string): Promise<void> {
    const text = JSON.stringify(start);
    check(await reached(this.#store.start(this.#runId, this.#token, text, sessionId)));
  }

  /**
   * Writes an event, and waits only while there are too many that Redis has not taken.
   *
   * @throws as {@link start} does, for an earlier one
   */
  async add(event: AgentEvent): Promise<void> {
    this.#push(expressing(event, () => JSON.stringify(event)));
    if (this.#waiting.length >= MAX_BATCH) await this.#sent;
    if (this.#failure !== undefined) throw this.#failure;
  }

  /**
   * Writes the last event, and waits until the run is over, or another's.
   */
  async end(text: string): Promise<void> {
    this.#push(text);
    this.#ends = true;
    while (this.#writing !== undefined) await this.#writing;
  }

  #push(text: string): void {
    this.#waiting.push(text);
    if (this.#failure === undefined) this.#writing ??= this.#write();
  }

  /** One write at a time: the next one's events are numbered from where this one ended. */
  async #write(): Promise<void> {
    try {
      // What comes in the same turn goes in the same write.
      await undefined;
      while (this.#waiting.length > 0 && this.#failure === undefined) {
        const events = this.#waiting.splice(0, MAX_BATCH);
        const ends = this.#ends && this.#waiting.length === 0;
        const batch = { before: this.#before, ends, events };
        const sent = reached(this.#store.append(this.#runId, this.#token, batch));
        this.#sent = sent.catch(() => undefined);
        check(await sent);
        this.#before += events.length;
      }
    } catch (error) {
      this.#failure = error;
      await this.#breakOff();
    } finally {
      this.#writing = undefined;
    }
  }

  /** The end is small, and a full Redis takes it: who reads need not wait for events that cannot be written. */
  async #breakOff(): Promise<void> {
    const event = storedFailure(this.#failure);
    try {
      await insist(() => this.#store.end(this.#runId, event, this.#token));
    } catch (error) {
      report(error);
    }
  }
}

function check(standing: Standing): void {
  if (standing === 'lost') throw runGone();
}

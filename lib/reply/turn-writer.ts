/** Frames of text go in; one write for each turn of the event loop goes out, and a call when the client has taken it. */
import type { Response } from 'express';
import { bindAsyncContext } from '../shared/async-context.js';

/** Characters that wait for the end of a turn at the most: a source that never pauses must not fill the memory. */
const MAX_PENDING = 16 * 1024;
/** What a frame counts at the least: thousands of tiny ones take their time, too. */
const MIN_FRAME = 64;

/** What a {@link TurnWriter} calls. */
export interface TurnEvents {
  /** Last call before the headers go, with the first write. It may end the response: then nothing is written. */
  readonly beforeHeaders: () => void;
  /** The client has taken what was written: the writer is no longer full. */
  readonly drained: () => void;
  /** A write from an event listener threw; uncaught, it would end the process. */
  readonly failed: (error: unknown) => void;
}

/** Writes a response that is made of many small frames. */
export class TurnWriter {
  readonly #res: Response;
  readonly #events: TurnEvents;
  readonly #drained: () => void;
  // Node emits `drain` in the turn of the write where the socket takes it all: a fast client would get an endless source whole.
  readonly #onDrain = () => setImmediate(this.#drained);
  #pending = '';
  #weight = 0;
  #closed = false;
  #written = false;
  /** Whether the client has yet to take what was written: writing more would fill the memory. */
  full = false;

  /** The events are called in the async context of this call. */
  constructor(res: Response, events: TurnEvents) {
    this.#res = res;
    this.#events = events;
    // A socket's events come outside of the session.
    this.#drained = bindAsyncContext(() => {
      this.full = false;
      this.#flushTurn();
      if (!this.full && !this.#closed) events.drained();
    });
    res.on('drain', this.#onDrain);
  }

  /** Whether anything was sent, or is about to be. */
  get started(): boolean {
    return this.#res.headersSent || this.#written || this.#pending !== '';
  }

  /** Sends `frame` at the end of this turn. If the app itself ends the response before that, nothing can be sent any more. */
  add(frame: string): void {
    if (this.#pending === '') setImmediate(this.#flushTurn);
    this.#pending += frame;
    this.#weight += Math.max(frame.length, MIN_FRAME);
    if (this.#weight < MAX_PENDING) return;
    this.#flush();
    // A client that takes everything at once, from a source that never pauses: other requests must get their turn.
    if (this.#open) {
      this.full = true;
      setImmediate(this.#drained);
    }
  }

  /** Sends the headers, if they are still to go, and `heartbeat`, unless there is something else to be sent. */
  beat(heartbeat: string): void {
    if (this.#pending !== '' || !this.#open) return;
    this.#attempt(() => this.#write(Buffer.from(heartbeat)));
  }

  /** Sends what is pending, and ends the response. */
  end(lastFrame = ''): void {
    this.#pending += lastFrame;
    this.#openHeaders();
    this.close();
    const bytes = this.#take();
    if (!this.#res.writableEnded) this.#res.end(bytes);
  }

  /** Writes nothing any more. */
  close(): void {
    this.#closed = true;
    this.#res.off('drain', this.#onDrain);
  }

  get #open(): boolean {
    return !this.full && !this.#closed && !this.#res.writableEnded;
  }

  readonly #flushTurn = (): void => this.#attempt(() => this.#flush());

  #flush(): void {
    if (this.#pending !== '' && this.#open) this.#write(this.#take());
  }

  #attempt(write: () => void): void {
    try {
      write();
    } catch (error) {
      this.#events.failed(error);
    }
  }

  #openHeaders(): void {
    if (!this.#res.headersSent && !this.#written) this.#events.beforeHeaders();
  }

  /** Only `false` means wait: with Lambda adapters `write()` returns `undefined`. */
  #write(bytes: Buffer): void {
    this.#openHeaders();
    if (this.#res.writableEnded) return;
    this.full = this.#res.write(bytes) === false;
    // A middleware may keep all that is written to the end: no header is sent until then.
    this.#written = true;
  }

  /** As bytes: a string that waits in the socket takes three times its size. */
  #take(): Buffer {
    const bytes = Buffer.from(this.#pending);
    this.#pending = '';
    this.#weight = 0;
    return bytes;
  }
}

/** Frames of text go in; one write for each turn of the event loop goes out, and word when the client has taken it. */
import { AsyncResource } from 'node:async_hooks';
import type { Response } from 'express';

/** Characters that wait for the end of a turn at the most: a source that never pauses must not fill the memory. */
const MAX_PENDING = 16 * 1024;

/** Writes a response that is made of many small frames. */
export class TurnWriter {
  readonly #res: Response;
  readonly #beforeHeaders: () => void;
  readonly #drained: () => void;
  #pending = '';
  #closed = false;
  /** Whether the client has yet to take what was written: whoever goes on fills the memory. */
  full = false;

  /**
   * @param beforeHeaders - the last call before the headers go, with the first write
   * @param drained - called, in the async context of this call, when the writer is no longer full
   */
  constructor(res: Response, beforeHeaders: () => void, drained: () => void) {
    this.#res = res;
    this.#beforeHeaders = beforeHeaders;
    // A socket's events come outside of the session.
    this.#drained = AsyncResource.bind(() => {
      this.full = false;
      this.flush();
      if (!this.full && !this.#closed) drained();
    });
    res.on('drain', this.#drained);
  }

  /** Whether anything was sent, or is about to be. */
  get started(): boolean {
    return this.#res.headersSent || this.#pending !== '';
  }

  /** Sends `frame` at the end of this turn. */
  add(frame: string): void {
    if (this.#pending === '') setImmediate(this.flush);
    this.#pending += frame;
    if (this.#pending.length >= MAX_PENDING) this.flush();
  }

  /** Sends what is pending now. */
  readonly flush = (): void => {
    if (this.#pending === '' || this.full || this.#closed || this.#res.writableEnded) return;
    this.#openHeaders();
    this.#write(this.#take());
  };

  /** Sends the headers, if they are still to go, and `heartbeat`, unless there is something else to be sent. */
  beat(heartbeat: string): void {
    if (this.#pending !== '' || this.full || this.#closed || this.#res.writableEnded) return;
    this.#openHeaders();
    this.#write(Buffer.from(heartbeat));
  }

  /** Sends what is pending, and ends the response. */
  end(lastFrame = ''): void {
    this.#pending += lastFrame;
    this.#openHeaders();
    this.close();
    this.#res.end(this.#take());
  }

  /** Writes nothing any more. */
  close(): void {
    this.#closed = true;
    this.#res.off('drain', this.#drained);
  }

  #openHeaders(): void {
    if (!this.#res.headersSent) this.#beforeHeaders();
  }

  /** Only `false` means wait: behind Lambda adapters the answer is `undefined`. */
  #write(bytes: Buffer): void {
    this.full = this.#res.write(bytes) === false;
  }

  /** As bytes: a string that waits in the socket takes three times its size. */
  #take(): Buffer {
    const bytes = Buffer.from(this.#pending);
    this.#pending = '';
    return bytes;
  }
}

/** A stream's source and its response go in; items are pulled, written, ended or given up, whatever either of the two does. */
import { Readable } from 'node:stream';
import type { Response } from 'express';
import type { Client } from '../request/client.js';
import type { MaybePromise } from '../shared/standard-schema.js';
import { disown, isAbortError, orUndefined } from '../shared/thrown.js';
import { discard } from './discard.js';
import { FRAMING, hasNoBody, setStreamHeaders } from './framing.js';
import type { StreamType } from './negotiate.js';
import { TurnWriter } from './turn-writer.js';

/** How a stream is sent. */
export interface StreamOptions {
  readonly type: StreamType;
  readonly client: Client;
  /** The JSON text of an item; its throw, or rejection, ends the stream like a failure of the source. */
  readonly encode: (item: unknown) => MaybePromise<string>;
  /** The id of an item, for those whose source can be read again; `undefined` where no item has one. */
  readonly idOf: ((item: unknown) => string | undefined) | undefined;
  /** Last call before the headers go: the first item may have brought the session id. */
  readonly beforeHeaders: () => void;
  /** False while the headers would miss something that only the first item brings: heartbeats wait, too. */
  readonly headersReady: () => boolean;
  /** The problem document of a failure, as JSON text. */
  readonly encodeFailure: (error: unknown) => string;
  /** How long the stream may be silent before a heartbeat, in milliseconds. */
  readonly heartbeatMs: number;
}

interface Outcome {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Callbacks instead of a loop: an item costs one promise, and nothing has to wait for a source that ignores `return()`. */
export class StreamSender {
  readonly #res: Response;
  readonly #source: AsyncIterable<unknown>;
  readonly #iterator: AsyncIterator<unknown>;
  readonly #options: StreamOptions;
  readonly #outcome: Outcome;
  readonly #writer: TurnWriter;
  #stopWatching = () => {};
  #heartbeat: NodeJS.Timeout | undefined;
  /** An item was taken; the next one is requested when the writer has drained. */
  #paused = false;
  #over = false;

  constructor(
    res: Response,
    source: AsyncIterable<unknown>,
    options: StreamOptions,
    outcome: Outcome,
  ) {
    this.#res = res;
    this.#source = source;
    this.#iterator = source[Symbol.asyncIterator]();
    this.#options = options;
    this.#outcome = outcome;
    this.#writer = new TurnWriter(res, {
      beforeHeaders: () => {
        options.beforeHeaders();
        setStreamHeaders(res, options.type);
        // The source itself may have set such a status.
        if (!hasNoBody(res)) return;
        res.end();
        this.#stop();
      },
      drained: () => this.#resume(),
      failed: this.#fail,
    });
  }

  start(): void {
    const { client, type, headersReady, heartbeatMs } = this.#options;
    if (client.closed) {
      this.#stop();
      return;
    }
    this.#stopWatching = client.onClose(() => this.#stop());
    this.#heartbeat = setInterval(() => {
      if (this.#res.headersSent || headersReady()) this.#writer.beat(FRAMING[type].heartbeat);
    }, heartbeatMs);
    this.#pull();
  }

  #pull(): void {
    try {
      Promise.resolve(this.#iterator.next()).then(this.#take, this.#fail);
    } catch (error) {
      this.#fail(error);
    }
  }

  #resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#pull();
  }

  readonly #take = (result: IteratorResult<unknown>) => {
    if (this.#over) return;
    // An app may end the response itself, at a shutdown say.
    if (this.#res.writableEnded) return this.#stop();
    try {
      if (Object(result) !== result) throw new TypeError('The iterator gave no result object');
      if (result.done === true) {
        disown(result.value);
        return this.#end();
      }
      const text = this.#options.encode(result.value);
      const id = this.#options.idOf?.(result.value);
      if (text instanceof Promise) text.then((late) => this.#add(late, id)).catch(this.#fail);
      else this.#add(text, id);
    } catch (error) {
      return this.#fail(error);
    }
  };

  readonly #add = (text: string, id?: string) => {
    if (this.#over) return;
    if (this.#res.writableEnded) return this.#stop();
    this.#writer.add(FRAMING[this.#options.type].item(text, id));
    if (this.#writer.full) this.#paused = true;
    else this.#pull();
  };

  #finish(): void {
    this.#over = true;
    clearInterval(this.#heartbeat);
    this.#stopWatching();
    this.#writer.close();
  }

  #end(): void {
    this.#writer.end();
    this.#finish();
    this.#outcome.resolve();
  }

  /** The failure may be ours (an item that does not fit): the source must still get the chance to clean up. */
  readonly #fail = (error: unknown) => {
    if (this.#over) return this.#failLate(error);
    this.#over = true;
    // Do not await the clean-up; send the failure to the client first.
    discard(this.#source, this.#iterator).catch(() => undefined);
    const reject = () => this.#outcome.reject(error);
    if (!this.#tell(error, reject)) reject();
    this.#finish();
  };

  /** Ends the response with the failure in band, once the headers are sent; `told` is called when the response has ended. */
  #tell(error: unknown, told: () => void): boolean {
    const { client, encodeFailure, idOf, type } = this.#options;
    if (!this.#writer.started || client.closed || this.#res.writableEnded) return false;
    this.#res.once('finish', told).once('close', told);
    try {
      const id = orUndefined(() => idOf?.(error));
      this.#writer.end(FRAMING[type].error(encodeFailure(error), id));
      return true;
    } catch {
      return false;
    }
  }

  /** After the client has left: errors caused by our own stop are not reported as failures. */
  #failLate(error: unknown): void {
    if (this.#source instanceof Readable || isAbortError(error)) this.#outcome.resolve();
    else this.#outcome.reject(error);
  }

  /** The reply is no longer read: stops the source. */
  #stop(): void {
    if (this.#over) return;
    this.#finish();
    discard(this.#source, this.#iterator).then(this.#outcome.resolve, (error) =>
      this.#failLate(error),
    );
  }
}

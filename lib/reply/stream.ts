/** An async iterable goes in, an SSE or NDJSON response goes out: backpressure, heartbeats, failures in band. */
import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { Response } from 'express';
import type { StreamType } from './negotiate.js';

/** How long a stream may be silent before a heartbeat, in milliseconds: well under the usual proxy timeout of 60 s. */
const HEARTBEAT_MS = 15_000;

interface Framing {
  readonly item: (json: string) => string;
  readonly error: (json: string) => string;
  readonly heartbeat?: string;
}

/** JSON text has no line breaks, so an item cannot end its frame early. */
const NDJSON: Framing = {
  item: (json) => `${json}\n`,
  error: (json) => `{"type":"error","error":${json}}\n`,
};
/** https://html.spec.whatwg.org/multipage/server-sent-events.html: a line that starts with a colon is a comment. */
const SSE: Framing = {
  item: (json) => `data: ${json}\n\n`,
  error: (json) => `event: error\ndata: ${json}\n\n`,
  heartbeat: ':\n\n',
};
const FRAMING: Record<StreamType, Framing> = {
  'application/x-ndjson': NDJSON,
  'application/jsonl': NDJSON,
  'text/event-stream': SSE,
};

/** How {@link sendStream} sends. */
export interface StreamOptions {
  readonly type: StreamType;
  /** Called for each item before it is sent; its throw ends the stream like a failure of the source. */
  readonly check: (item: unknown) => void;
  /** Last call before the headers go: the session id may have been settled by the first item. */
  readonly beforeHeaders: () => void;
  /** False while the headers would miss something that only the first item brings: heartbeats wait, too. */
  readonly headersReady: () => boolean;
  /** The problem object of a failure. */
  readonly toProblem: (error: unknown) => object;
  /** @defaultValue 15,000 */
  readonly heartbeatMs?: number | undefined;
}

/**
 * Sends each item as it comes, and pulls the next one only when the last was taken. The headers go with the first item, so
 * that a failure before it keeps its status; a silent source sends them with the first heartbeat. When the client leaves,
 * the source is returned.
 *
 * @throws what the source throws: before the headers as it is, else after it was sent in band and the response has ended
 */
export async function sendStream(
  res: Response,
  source: AsyncIterable<unknown>,
  {
    type,
    check,
    beforeHeaders,
    headersReady,
    toProblem,
    heartbeatMs = HEARTBEAT_MS,
  }: StreamOptions,
): Promise<void> {
  const framing = FRAMING[type];
  const iterator = source[Symbol.asyncIterator]();
  const waits = waitsFor(res);
  const heartbeat = setInterval(() => {
    if (!res.headersSent && headersReady()) sendHeaders(res, type, beforeHeaders);
    const silent = framing.heartbeat === undefined || res.writableNeedDrain;
    if (!silent && res.headersSent && !res.writableEnded) res.write(framing.heartbeat);
  }, heartbeatMs);
  const settle = () => {
    clearInterval(heartbeat);
    waits.dispose();
  };
  const stop = () => {
    // Before the source is asked to stop: it may take its time, or never notice.
    settle();
    return discard(source, iterator);
  };
  try {
    // An app may end the response itself, at a shutdown say.
    while (!res.closed && !res.writableEnded) {
      const result = await waits.whileOpen(iterator.next());
      if (result === undefined || res.writableEnded) break;
      if (result.done === true) {
        if (!res.headersSent) sendHeaders(res, type, beforeHeaders);
        settle();
        res.end();
        return;
      }
      check(result.value);
      // As bytes: a string that waits in the socket takes three times its size.
      const frame = Buffer.from(framing.item(toJson(result.value)));
      if (!res.headersSent) sendHeaders(res, type, beforeHeaders);
      // Not before the client has taken what is there: a stalled reader costs one buffer, not the whole stream.
      if (!res.write(frame)) await waits.drain();
    }
  } catch (error) {
    // The failure may be ours (an item that does not fit): the source must still get the chance to clean up.
    // It is not waited for: the client is told now.
    stop().catch(() => undefined);
    if (res.headersSent && !res.closed && !res.writableEnded) {
      res.end(framing.error(toJson(toProblem(error))));
      await finished(res).catch(() => undefined);
    }
    throw error;
  }
  try {
    await stop();
  } finally {
    waits.rethrow();
  }
}

/** Lets a source go that nobody will read on. */
export async function discard(
  source: AsyncIterable<unknown>,
  iterator: AsyncIterator<unknown> = source[Symbol.asyncIterator](),
): Promise<void> {
  // The iterator of a Readable that was never pulled does not close it.
  if (source instanceof Readable) source.destroy();
  await iterator.return?.();
}

/**
 * The two waits of a stream, on one pair of listeners. A listener for each item, or a race with one promise for the close,
 * would leave something behind for every item while the stream lasts.
 */
function waitsFor(res: Response) {
  let wake = () => {};
  let late: { readonly error: unknown } | undefined;
  const listener = () => wake();
  res.on('close', listener).on('drain', listener);
  return {
    /** What `promise` resolves with, or `undefined` when the response closed first. */
    whileOpen: <T>(promise: Promise<T>) =>
      new Promise<T | undefined>((resolve, reject) => {
        wake = () => {
          if (res.closed) resolve(undefined);
        };
        promise.then(resolve, (error) => {
          if (res.closed) late = { error };
          reject(error);
        });
      }),
    /** Until the client has taken what was written, or is gone. */
    drain: () =>
      new Promise<void>((resolve) => {
        wake = resolve;
      }),
    /** What the source failed with while nobody waited any more: the client was gone. */
    rethrow: () => {
      if (late !== undefined) throw late.error;
    },
    dispose: () => res.off('close', listener).off('drain', listener),
  };
}

function sendHeaders(res: Response, type: StreamType, beforeHeaders: () => void): void {
  beforeHeaders();
  res.setHeader('Content-Type', type);
  // Proxies and the compression middleware would hold events back.
  res.setHeader('Cache-Control', 'no-cache, no-transform');
  res.setHeader('X-Accel-Buffering', 'no');
  res.flushHeaders();
}

/** `undefined`, which JSON does not know, is null: an item is never dropped. */
function toJson(value: unknown): string {
  return JSON.stringify(value) ?? 'null';
}

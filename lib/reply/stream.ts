/** An async iterable goes in, an SSE or NDJSON response goes out: backpressure, heartbeats, failures in band. */
import type { Response } from 'express';
import { type StreamOptions, StreamSender } from './stream-sender.js';

export type { StreamOptions } from './stream-sender.js';

/** How long a stream may be silent before a heartbeat, in milliseconds: well under the usual proxy timeout of 60 s. */
export const HEARTBEAT_MS = 15_000;

/**
 * Sends each item as it comes, and pulls the next one only while the client takes what was sent. Items that are there in
 * the same turn of the event loop go out in one write. The headers go with the first item, so that a failure before it
 * keeps its status; a silent source sends them with the first heartbeat. When the client
 * leaves, the source's `return()` is called.
 *
 * @throws what the source throws: before the headers as it is, else after it was sent in band and the response has ended
 */
export function sendStream(
  res: Response,
  source: AsyncIterable<unknown>,
  options: StreamOptions,
): Promise<void> {
  return new Promise((resolve, reject) => {
    new StreamSender(res, source, options, { resolve, reject }).start();
  });
}

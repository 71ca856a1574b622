/** A stream's media type goes in; how its items, its failure and its heartbeat are written comes out. */
import type { Response } from 'express';
import type { StreamType } from './negotiate.js';

/** The text of a stream's parts. */
export interface Framing {
  /** `id` is what a client of SSE comes back with after a lost connection; NDJSON has no place for it. */
  readonly item: (json: string, id?: string) => string;
  readonly error: (json: string, id?: string) => string;
  /** Says nothing to the reader, and finds out whether there still is one. */
  readonly heartbeat: string;
}

/**
 * JSON text has no line breaks, so an item cannot end its frame early. Readers of NDJSON pass over a blank line: without
 * these lines a silent stream would never notice that its peer has vanished.
 */
const NDJSON: Framing = {
  item: (json) => `${escapeLineEnds(json)}\n`,
  error: (json) => `{"type":"error","error":${escapeLineEnds(json)}}\n`,
  heartbeat: '\n',
};

/** https://html.spec.whatwg.org/multipage/server-sent-events.html: a line that starts with a colon is a comment. */
const SSE: Framing = {
  item: (json, id) => `${idLine(id)}data: ${escapeLineEnds(json)}\n\n`,
  error: (json, id) => `${idLine(id)}event: error\ndata: ${escapeLineEnds(json)}\n\n`,
  heartbeat: ':\n\n',
};

function idLine(id: string | undefined): string {
  return id === undefined ? '' : `id: ${id}\n`;
}

/** The framing of each media type. */
export const FRAMING: Readonly<Record<StreamType, Framing>> = {
  'application/x-ndjson': NDJSON,
  'application/jsonl': NDJSON,
  'text/event-stream': SSE,
};

/** Characters that JSON leaves as they are, and that some line readers (Python's `splitlines`) take for the end of a line. */
const LINE_ENDS = /[\u0085\u2028\u2029]/g;

/** JSON text on one line for every line reader. */
export const escapeLineEnds = (json: string): string => escapeEach(json, LINE_ENDS);

/** What the setting `json escape` means to Express. */
const HTML = /[<>&]/g;

function escapeEach(json: string, characters: RegExp): string {
  return json.replace(
    characters,
    (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/**
 * Writes an item, or an event, as `res.json()` of this app does, by its `json replacer` and `json escape`, but for `json spaces`: an
 * item is one line. `undefined`, which JSON does not know, is null: an item is never dropped. Call it once for a stream.
 */
export function jsonWriterOf({ app }: Response): (item: unknown) => string {
  const replacer: ((this: unknown, key: string, value: unknown) => unknown) | undefined =
    app.get('json replacer') || undefined;
  const write = (item: unknown) => JSON.stringify(item, replacer) ?? 'null';
  return app.get('json escape') ? (item) => escapeEach(write(item), HTML) : write;
}

/** The headers of a stream. */
export function setStreamHeaders(res: Response, type: StreamType): void {
  forgetLength(res);
  res.setHeader('Content-Type', type);
  // Proxies and the compression middleware would hold events back.
  res.setHeader('Cache-Control', 'no-cache, no-transform');
  res.setHeader('X-Accel-Buffering', 'no');
}

/**
 * Removes a `Content-Length` that a middleware has set: it is that of something else, and clients would cut the reply there. Only
 * where there is one: a reply that has lost it gets none from Node either.
 */
export function forgetLength(res: Response): void {
  if (res.hasHeader('Content-Length')) res.removeHeader('Content-Length');
}

/**
 * Node drops what is written to such a reply, and never says wait: an endless source would be pulled for ever.
 *
 * @see RFC 9110 section 6.4.1
 */
export function hasNoBody(res: Response): boolean {
  return res.req.method === 'HEAD' || res.statusCode === 204 || res.statusCode === 304;
}

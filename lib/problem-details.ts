/** The error middleware: an error goes in, an `application/problem+json` reply with the session id goes out. */
import type { ErrorRequestHandler, Response } from 'express';
import { toProblem } from './reply/problem.js';
import { echoSession, readState } from './session/request-state.js';

/** What the failed handler said of a reply that is not sent. */
const CONTENT_HEADERS = [
  'Cache-Control',
  'Content-Disposition',
  'Content-Encoding',
  'Content-Length',
  'Content-Range',
  'ETag',
  'Last-Modified',
];

/** What an HTTP error may add. No more: a model SDK's error carries all of its upstream's headers, cookies and framing included. */
const ERROR_HEADERS: ReadonlySet<string> = new Set(['allow', 'retry-after', 'www-authenticate']);

function keepHeaders(res: Response, headers: unknown): void {
  for (const [name, value] of Object.entries(Object(headers))) {
    if (ERROR_HEADERS.has(name.toLowerCase())) res.setHeader(name, String(value));
  }
}

/**
 * Answers errors as RFC 9457 problem documents: this package's, body-parser's, and anything else that was thrown. Of an
 * unknown error nothing is told but that it happened; the session id and the trace id on it lead to the rest.
 *
 * Of the headers that an HTTP error brings, `Allow`, `Retry-After` and `WWW-Authenticate` are kept.
 *
 * Mount it behind the routes. It logs nothing: an error handler before it that calls `next(err)` sees every error.
 *
 * @example
 * ```ts
 * app.use((err, req, res, next) => { logger.error(err); next(err); });
 * app.use(problemDetails());
 * ```
 * @see https://www.rfc-editor.org/rfc/rfc9457
 */
export function problemDetails(): ErrorRequestHandler {
  return function problemDetails(error, _req, res, next) {
    // A stream that failed has told its client in band and is over.
    if (res.writableEnded) return;
    if (res.headersSent) return next(error);
    const state = readState(res);
    const known = state !== undefined && 'slot' in state ? state : undefined;
    const problem = toProblem(error, known?.slot);
    for (const name of CONTENT_HEADERS) res.removeHeader(name);
    if (problem.code === 'HTTP_ERROR') keepHeaders(res, Object(error).headers);
    if (known) echoSession(res, known);
    res.status(problem.status);
    res.setHeader('Content-Type', 'application/problem+json');
    // A buffer keeps the media type as it is; RFC 9457 gives it no charset.
    res.send(Buffer.from(JSON.stringify(problem)));
  };
}

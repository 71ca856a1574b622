/** The error middleware: an error goes in, an `application/problem+json` reply with the session id goes out. */
import { STATUS_CODES } from 'node:http';
import type { ErrorRequestHandler, Request, Response } from 'express';
import { printFor } from './reply/error-report.js';
import { type Problem, toProblem } from './reply/problem.js';
import { echoSession, readProtocol, readSession } from './session/request-state.js';
import { configError, EnvelopeError } from './shared/errors.js';
import { type Parsers, parseConfiguration } from './shared/option-parsing.js';
import { orUndefined, readable, readMember } from './shared/thrown.js';
import { refuseMisuse, refuseUncalled } from './shared/uncalled.js';

/** What `problemDetails()` takes. An explicit `undefined` means the default. */
export interface ProblemDetailsOptions {
  /**
   * Sees every error, with its request, before the client is answered. What it throws or rejects with is printed, and the
   * client is answered all the same.
   * @defaultValue errors of status 500 and above, and a refusal whose cause is a failure (an `authorize` that threw), go to stderr
   * with their stack and causes, as Express itself prints an unhandled error; not under `NODE_ENV=test`
   */
  readonly onError?: ((error: unknown, req: Request) => unknown) | undefined;
}

const PARSERS: Parsers<Pick<ProblemDetailsOptions, 'onError'>> = {
  onError: (value) => {
    if (value === undefined || typeof value === 'function') {
      return value as ProblemDetailsOptions['onError'];
    }
    throw configError('problemDetails: onError', 'must be a function', value);
  },
};

/** Headers describing the body that is replaced. */
const CONTENT_HEADERS = [
  'Cache-Control',
  'Content-Disposition',
  'Content-Encoding',
  'Content-Language',
  'Content-Length',
  'Content-Range',
  'ETag',
  'Last-Modified',
  'Trailer',
  'Transfer-Encoding',
];

/**
 * The headers that an HTTP error may add, besides the `Content-Range` of a 416. No more: a model SDK's error carries all of its
 * upstream's headers, cookies and framing included.
 */
const ERROR_HEADERS: ReadonlySet<string> = new Set(['allow', 'retry-after', 'www-authenticate']);

/**
 * Answers errors as RFC 9457 problem documents: this package's, body-parser's, and anything else that was thrown. An unknown
 * error reveals only that it happened; the session id and the trace id beside it lead to the rest.
 *
 * A client with a protocol of its own (`uiMessageRequest()`, `agUiRequest()`) gets the document's `detail`, as plain text.
 *
 * If the error has no status, one (400–599) already set on the response is kept. Of the headers that an HTTP error
 * brings, `Allow`, `Retry-After`, `WWW-Authenticate` and the `Content-Range` of a 416 are kept.
 *
 * Mount it after the routes. It answers every error: an error handler of your own goes before it, and calls `next(error)`.
 *
 * @param options - see {@link ProblemDetailsOptions}
 * @throws TypeError at once, when an option is wrong, and when it is mounted without being called
 * @example
 * ```ts
 * app.use(problemDetails());
 * ```
 * @see https://www.rfc-editor.org/rfc/rfc9457
 */
export function problemDetails(options?: ProblemDetailsOptions): ErrorRequestHandler {
  refuseMisuse('problemDetails', options);
  if (typeof options === 'function') {
    throw new TypeError(
      'problemDetails: options must be an object, got a function. Did you mean problemDetails({ onError: … })?',
    );
  }
  const { onError } = parseConfiguration('problemDetails: options', PARSERS, options);
  return function problemDetails(error, req, res, next) {
    // `res.locals` may be what throws: it must not keep the error from the client.
    const session = orUndefined(() => readSession(res));
    const protocol = orUndefined(() => readProtocol(res));
    const problem = toProblem(error, session?.slot, res.statusCode);
    const passedOn = res.headersSent && !res.writableEnded;
    if (onError !== undefined) observe(onError, error, req);
    // Express prints an error that is passed on.
    else if (isServerFault(problem, error) && !passedOn) printFor(req, error);
    // A stream that failed has sent its failure in band and has ended.
    if (res.writableEnded) return;
    if (passedOn) return next(readable(error));
    prepareHeaders(res, problem, error);
    if (session) orUndefined(() => echoSession(res, session));
    // What shows the text of an error to people must not show them JSON.
    if (protocol) return void res.type('text/plain').send(problem.detail);
    // A buffer keeps the media type as it is; RFC 9457 gives it no charset.
    res.send(Buffer.from(JSON.stringify(problem)));
  };
}
refuseUncalled(problemDetails, 'problemDetails');

/** A refusal of ours has a cause only where the app's code failed: an `authorize` that threw would be an invisible 403. */
function isServerFault({ status }: Problem, error: unknown): boolean {
  return (
    status >= 500 || (error instanceof EnvelopeError && readMember(error, 'cause') !== undefined)
  );
}

/** The app's observer must not come between an error and its reply. */
async function observe(
  onError: (error: unknown, req: Request) => unknown,
  error: unknown,
  req: Request,
): Promise<void> {
  try {
    await onError(error, req);
  } catch (failure) {
    printFor(req, failure);
  }
}

function prepareHeaders(res: Response, { code, status }: Problem, error: unknown): void {
  for (const name of CONTENT_HEADERS) res.removeHeader(name);
  if (code === 'HTTP_ERROR') keepHeaders(res, status, readMember(error, 'headers'));
  res.status(status);
  // The failed handler may have set the message of another status. HTTP/2 has no status message, and Node warns of one.
  if (res.req.httpVersionMajor < 2) res.statusMessage = STATUS_CODES[status] ?? '';
  res.setHeader('Content-Type', 'application/problem+json');
}

function keepHeaders(res: Response, status: number, headers: unknown): void {
  for (const name of orUndefined(() => Object.keys(Object(headers))) ?? []) {
    const header = name.toLowerCase();
    const kept = ERROR_HEADERS.has(header) || (status === 416 && header === 'content-range');
    const value = kept ? readMember(headers, name) : undefined;
    // A value that HTTP cannot carry is dropped: it must not keep the error from the client.
    if (typeof value === 'string' || typeof value === 'number') {
      orUndefined(() => res.setHeader(name, value));
    }
  }
}

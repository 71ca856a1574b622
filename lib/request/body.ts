/** A request goes in; its JSON object, or the reason why there is none, comes out. Parses only an unparsed body. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Http2ServerRequest } from 'node:http2';
import { Readable } from 'node:stream';
import bodyParser from 'body-parser';
import type { Request, Response } from 'express';
import { isJsonObject, type JsonObject } from '../shared/json.js';

/** Why a request is no envelope: what a route that needs one answers. */
export interface Refusal {
  readonly code: 'NO_ENVELOPE' | 'UNSUPPORTED_MEDIA_TYPE';
  readonly message: string;
}

/** The request's JSON object, or why there is none. */
export type Body = { readonly object: JsonObject } | { readonly refusal: Refusal };

/** Own members only: a polluted `Object.prototype` refuses nobody. */
export function isRefusal(body: Body): body is { readonly refusal: Refusal } {
  return Object.hasOwn(body, 'refusal');
}

const NO_BODY: Body = {
  refusal: { code: 'NO_ENVELOPE', message: 'The request has no body; send a JSON object' },
};
const NO_OBJECT: Body = {
  refusal: { code: 'NO_ENVELOPE', message: 'The body must be a JSON object' },
};
const WRONG_TYPE: Body = {
  refusal: {
    code: 'UNSUPPORTED_MEDIA_TYPE',
    message: 'The body must be application/json or another application/*+json type',
  },
};

/** Calls `done` with an error of the parser, or with the body. */
export type BodyReader = (
  req: Request,
  res: Response,
  done: (error: unknown, body?: Body) => void,
) => void;

/** `application/json` and `application/*+json`. `text/plain` stays out: a browser sends that across origins unasked. */
const JSON_TYPE = /^application\/(?:[^\s;/]+\+)?json\s*(?:;|$)/i;

/**
 * Builds the reader; `limit` as in the option of that name.
 *
 * The parser is `express.json()`, by its own package: a tracing set-up imports `SessionSpanProcessor` before the
 * instrumentations are registered, and what Express loads by then (`node:http`, its router) would never be instrumented. A
 * plain import is also what bundlers follow.
 */
export function createBodyReader(limit: number | string): BodyReader {
  const options = { limit, type: () => true };
  const parseSized = bodyParser.json(options);
  // Only a chunked body can turn out to be empty, and body-parser makes {} of that, which would be an envelope.
  // `verify` makes body-parser copy each body, so it is used only for chunked ones.
  const parseChunked = bodyParser.json({ ...options, verify: noteEmpty });
  return (req, res, done) => {
    const source = sourceOf(req);
    if (source === undefined) return done(undefined, toBody(req, req.body));
    const parse = source.headers['content-length'] === undefined ? parseChunked : parseSized;
    parse(source as Request, res, (error?: unknown) => {
      let failure = error;
      let body: Body | undefined;
      // The app may have made an accessor of `req.body`: what that throws here, in the parser's callback, would end the process.
      try {
        if (!isUnparsed(req.body)) keepParsed(req, source.body);
        if (!error) body = EMPTY.has(source) ? NO_BODY : toBody(req, source.body);
      } catch (cause) {
        failure ??= cause;
      }
      done(failure, body);
    });
  };
}

const EMPTY = new WeakSet<object>();
const noteEmpty = (source: object, _res: object, bytes: Buffer) => {
  if (bytes.length === 0) EMPTY.add(source);
};

/** body-parser's mark of a request that is read. */
type MarkedRequest = Request & { _body?: boolean };

/** body-parser 1.x, mounted later, checks this mark; without the mark it would read an ended stream and fail. */
function keepParsed(req: MarkedRequest, body: unknown): void {
  req.body = body;
  req._body = true;
}

/** What body-parser reads: the request, or a stream in its place, with headers of its own. */
type Source = Readable & { readonly headers: IncomingHttpHeaders; body?: unknown };

/** The source to read the request's JSON from; `undefined` when there is nothing left to read. */
function sourceOf(req: MarkedRequest): Source | undefined {
  if (!isJsonType(req)) return undefined;
  const { body, headers } = req;
  if (isUnparsed(body)) {
    // A text is already decoded, and text and bytes are already inflated, whatever the request's headers say.
    const type = Buffer.isBuffer(body) ? headers['content-type'] : 'application/json';
    const bytes = Buffer.from(body);
    return standIn([bytes], { 'content-type': type, 'content-length': String(bytes.length) });
  }
  // Other parsers than body-parser leave only the body.
  if (req._body === true || !isEmpty(body) || !hasBody(req)) return undefined;
  // body-parser takes a body without these headers for none. Over HTTP/2 it may come without.
  if (hasFramingHeader(headers)) return req;
  return standIn(req, { ...headers, 'transfer-encoding': 'chunked' });
}

function standIn(chunks: Iterable<Buffer> | Readable, headers: IncomingHttpHeaders): Source {
  const source = Object.assign(Readable.from(chunks), { headers });
  // body-parser stops listening once it has answered; without a listener a late error would be uncaught.
  return source.on('error', () => {});
}

/**
 * True for what `express.raw()`, `express.text()` and adapters of AWS Lambda leave as the body. `express.json({ strict: false })`
 * leaves texts, too, that are JSON values already: only one that begins as an object can be an envelope.
 */
function isUnparsed(body: unknown): body is Buffer | string {
  return Buffer.isBuffer(body) ? body.length > 0 : typeof body === 'string' && /^\s*\{/.test(body);
}

/** Express 4 leaves `{}` where a parser passed over the body, an adapter of AWS Lambda an empty `Buffer`. */
function isEmpty(body: unknown): boolean {
  if (Buffer.isBuffer(body)) return body.length === 0;
  return body === undefined || (isJsonObject(body) && Object.keys(body).length === 0);
}

/** RFC 9112 section 6.3, RFC 9113 section 8.1: what says that a request has a body. */
function hasBody(req: Request & Partial<Pick<Http2ServerRequest, 'stream'>>): boolean {
  if (hasFramingHeader(req.headers)) return req.headers['content-length'] !== '0';
  return req.httpVersionMajor > 1 && req.stream?.endAfterHeaders === false;
}

function hasFramingHeader(headers: IncomingHttpHeaders): boolean {
  return headers['transfer-encoding'] !== undefined || headers['content-length'] !== undefined;
}

function isJsonType({ headers }: Request): boolean {
  return JSON_TYPE.test(headers['content-type'] ?? '');
}

function toBody(req: Request, body: unknown): Body {
  if (!hasBody(req) && isEmpty(body)) return NO_BODY;
  // Without a media type only a body that an earlier middleware built can be JSON.
  const built = req.headers['content-type'] === undefined && isJsonObject(body) && !isEmpty(body);
  if (!built && !isJsonType(req)) return WRONG_TYPE;
  return isJsonObject(body) ? { object: body } : NO_OBJECT;
}

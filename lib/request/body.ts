/** A request goes in, its JSON object or the reason why there is none comes out; parses only what nobody parsed yet. */
import { createRequire } from 'node:module';
import type { Request, RequestHandler, Response } from 'express';
import { isJsonObject, type JsonObject } from '../shared/json.js';

/** Why a request is no envelope: what a route that needs one answers. */
export interface Refusal {
  readonly code: 'NO_ENVELOPE' | 'UNSUPPORTED_MEDIA_TYPE';
  readonly message: string;
}

/** The request's JSON object, or why there is none. */
export type Body = { readonly object: JsonObject } | { readonly refusal: Refusal };

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

/** Builds the reader; `limit` as in the option of that name. */
export function createBodyReader(limit: number | string): BodyReader {
  // A JSON string or number is well-formed; it is just no envelope.
  const options = { limit, strict: false, type: () => true };
  let parseSized: RequestHandler | undefined;
  let parseChunked: RequestHandler | undefined;
  return (req, res, done) => {
    if (wasParsed(req) || !hasBody(req) || !isJsonType(req)) {
      done(undefined, toBody(req));
      return;
    }
    if (req.headers['content-length'] !== undefined) {
      parseSized ??= loadExpress().json(options);
      parseSized(req, res, (error?: unknown) => done(error, error ? undefined : toBody(req)));
      return;
    }
    // Only here can a body turn out to be empty, and body-parser makes {} of that, which would be an envelope. To ask for the
    // bytes costs it a copy of every body.
    parseChunked ??= loadExpress().json({ ...options, verify: noteEmpty });
    parseChunked(req, res, (error?: unknown) =>
      done(error, error ? undefined : EMPTY.has(req) ? NO_BODY : toBody(req)),
    );
  };
}

const EMPTY = new WeakSet<object>();
const noteEmpty = (req: object, _res: object, bytes: Buffer) => {
  if (bytes.length === 0) EMPTY.add(req);
};

/**
 * Express is loaded when it is needed, not when this package is: a tracing set-up imports `SessionSpanProcessor` before the
 * instrumentations are registered, and what Express loads by then (`node:http`, its router) is never instrumented.
 */
function loadExpress(): typeof import('express') {
  return createRequire(import.meta.url)('express');
}

/** `_body` is body-parser's own mark; other middlewares leave only the body. */
function wasParsed(req: Request & { _body?: boolean }): boolean {
  return req._body === true || !isEmpty(req.body);
}

/** Express 4 leaves `{}` behind where a parser passed over the body. */
function isEmpty(body: unknown): boolean {
  return body === undefined || (isJsonObject(body) && Object.keys(body).length === 0);
}

/** RFC 9112 section 6.3: what says that a request has a body. */
function hasBody({ headers }: Request): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

function isJsonType({ headers }: Request): boolean {
  return JSON_TYPE.test(headers['content-type'] ?? '');
}

function toBody(req: Request): Body {
  if (!hasBody(req) && isEmpty(req.body)) return NO_BODY;
  // Without a media type only a body that somebody built can be JSON.
  const typeless = req.headers['content-type'] === undefined && !isEmpty(req.body);
  if (!typeless && !isJsonType(req)) return WRONG_TYPE;
  return isJsonObject(req.body) ? { object: req.body } : NO_OBJECT;
}

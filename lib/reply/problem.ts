/** Any thrown value goes in, an RFC 9457 problem object comes out, with nothing in it that the client must not see. */
import { STATUS_CODES } from 'node:http';
import { requestSpanContext } from '../session/request-span.js';
import type { SessionSlot } from '../session/slot.js';
import {
  EnvelopeError,
  ERROR_CATALOGUE,
  type ErrorCode,
  type ErrorDetail,
} from '../shared/errors.js';

/** An RFC 9457 problem document with this package's extension members. */
export interface Problem {
  /** A URN made of the code; `about:blank` where the status says it all. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  /** A code of the catalogue, or `HTTP_ERROR` for somebody else's error with a status. */
  readonly code: ErrorCode | 'HTTP_ERROR';
  readonly detail: string;
  /** The places at fault, where there are any. */
  readonly errors?: readonly ErrorDetail[];
  readonly session_id?: string;
  readonly trace_id?: string;
}

/** body-parser's `type`s that stand for a code of ours. Its messages quote the body, so none of them is passed on. */
const BODY_PARSER: ReadonlyMap<unknown, readonly [code: ErrorCode, detail: string]> = new Map([
  ['entity.parse.failed', ['MALFORMED_JSON', 'The body must be well-formed JSON']],
  ['entity.too.large', ['BODY_TOO_LARGE', 'The body is larger than the limit']],
  ['encoding.unsupported', ['UNSUPPORTED_MEDIA_TYPE', 'The content encoding is not supported']],
  ['charset.unsupported', ['UNSUPPORTED_MEDIA_TYPE', 'The charset is not supported']],
]);

/** What is known of an error that is safe to tell. */
type Told = Omit<Problem, 'session_id' | 'trace_id'>;

/**
 * Describes an error to the client.
 *
 * @param error - whatever was thrown
 * @param slot - the request's session, when it has one
 */
export function toProblem(error: unknown, slot?: SessionSlot): Problem {
  const id = slot?.fields.session_id;
  const traceId = requestSpanContext()?.traceId;
  return {
    ...tell(error),
    ...(typeof id === 'string' && { session_id: id }),
    ...(traceId !== undefined && { trace_id: traceId }),
  };
}

function tell(error: unknown): Told {
  if (error instanceof EnvelopeError) return envelopeError(error);
  const { type, status, statusCode, expose, message } = Object(error) as Record<string, unknown>;
  const known = BODY_PARSER.get(type);
  if (known !== undefined) return ours(...known);
  const http = [status, statusCode].find(isErrorStatus);
  if (http === undefined) return ours('INTERNAL_ERROR', 'The server failed to handle the request');
  return {
    type: 'about:blank',
    title: STATUS_CODES[http] ?? 'Error',
    status: http,
    code: 'HTTP_ERROR',
    // `expose` is how http-errors says that its author wrote the message for the client.
    detail:
      expose === true && typeof message === 'string' ? message : (STATUS_CODES[http] ?? 'Error'),
  };
}

function ours(code: ErrorCode, detail: string): Told {
  const { status, title } = ERROR_CATALOGUE[code];
  return { type: typeOf(code), title, status, code, detail };
}

/** An error of ours; of another version of the package, maybe, with codes that this one does not have. */
function envelopeError({ code, status, expose, message, errors }: EnvelopeError): Told {
  const title = ERROR_CATALOGUE[code]?.title ?? STATUS_CODES[status] ?? 'Error';
  return {
    type: typeOf(code),
    title,
    status,
    code,
    detail: expose ? message : title,
    ...(errors.length > 0 && { errors }),
  };
}

function typeOf(code: string): string {
  return `urn:problem-type:express-agent-envelope:${code.toLowerCase().replaceAll('_', '-')}`;
}

function isErrorStatus(status: unknown): status is number {
  return Number.isInteger(status) && Number(status) >= 400 && Number(status) <= 599;
}

/** Any thrown value goes in, an RFC 9457 problem object comes out, with nothing in it that the client must not see. */
import { STATUS_CODES } from 'node:http';
import { requestSpanContext } from '../session/request-span.js';
import type { SessionSlot } from '../session/slot.js';
import {
  boundedDetails,
  EnvelopeError,
  ERROR_CATALOGUE,
  type ErrorCode,
  type ErrorDetail,
  isErrorStatus,
} from '../shared/errors.js';
import { orUndefined, readMember, readText } from '../shared/thrown.js';

/** An RFC 9457 problem document with this package's extension members. */
export interface Problem {
  /** A URN made of the code; `about:blank` where the status says it all. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  /** A code of the catalogue, or `HTTP_ERROR` for another package's error with a status. */
  readonly code: ErrorCode | 'HTTP_ERROR';
  readonly detail: string;
  /** The places at fault, where there are any. */
  readonly errors?: readonly ErrorDetail[];
  readonly session_id?: string;
  readonly trace_id?: string;
}

/** body-parser's `type`s that correspond to a code of ours. Its messages quote the body, so none of them is passed on. */
const BODY_PARSER: ReadonlyMap<unknown, readonly [code: ErrorCode, detail: string]> = new Map([
  ['entity.parse.failed', ['MALFORMED_JSON', 'The body must be well-formed JSON']],
  ['entity.too.large', ['BODY_TOO_LARGE', 'The body is larger than the limit']],
  ['encoding.unsupported', ['UNSUPPORTED_MEDIA_TYPE', 'The content encoding is not supported']],
  ['charset.unsupported', ['UNSUPPORTED_MEDIA_TYPE', 'The charset is not supported']],
]);

/** The part of a problem document that the error alone decides. */
type Description = Omit<Problem, 'session_id' | 'trace_id'>;

/**
 * Describes an error to the client.
 *
 * @param error - whatever was thrown
 * @param slot - the request's session, when it has one
 * @param chosenStatus - the status that the app set on the response before it threw; only an error's counts
 */
export function toProblem(error: unknown, slot?: SessionSlot, chosenStatus?: number): Problem {
  const id = slot?.fields.session_id;
  const traceId = requestSpanContext()?.traceId;
  return {
    ...describe(error, chosenStatus),
    ...(typeof id === 'string' && { session_id: id }),
    ...(traceId !== undefined && { trace_id: traceId }),
  };
}

function describe(error: unknown, chosenStatus: number | undefined): Description {
  if (error instanceof EnvelopeError) return describeOurs(error);
  const known = BODY_PARSER.get(readMember(error, 'type'));
  if (known !== undefined) return ours(...known);
  // In Express's own order: what the error says, then what the response says.
  const http = [readMember(error, 'status'), readMember(error, 'statusCode'), chosenStatus].find(
    isErrorStatus,
  );
  if (http === undefined) return ours('INTERNAL_ERROR', 'The server failed to handle the request');
  const title = STATUS_CODES[http] ?? 'Error';
  return {
    type: 'about:blank',
    title,
    status: http,
    code: 'HTTP_ERROR',
    detail: exposedMessage(error) ?? title,
  };
}

/** `expose` is how http-errors says that its author wrote the message for the client. */
function exposedMessage(error: unknown): string | undefined {
  return readMember(error, 'expose') === true ? readText(error, 'message') : undefined;
}

function ours(code: ErrorCode, detail: string): Description {
  const { status, title } = ERROR_CATALOGUE[code];
  return { type: typeOf(code), title, status, code, detail };
}

/** An error of ours; of another version of the package, maybe, with codes that this one does not have. */
function describeOurs(error: EnvelopeError): Description {
  const code = (readText(error, 'code') ?? 'INTERNAL_ERROR') as ErrorCode;
  const given = readMember(error, 'status');
  const status = isErrorStatus(given) ? given : 500;
  const title = ERROR_CATALOGUE[code]?.title ?? STATUS_CODES[status] ?? 'Error';
  const errors = orUndefined(() => readPlaces(readMember(error, 'errors')));
  return {
    type: typeOf(code),
    title,
    status,
    code,
    detail: exposedMessage(error) ?? title,
    ...(errors && errors.length > 0 && { errors }),
  };
}

function readPlaces(errors: unknown): readonly ErrorDetail[] {
  return Array.isArray(errors) ? boundedDetails(errors) : [];
}

function typeOf(code: string): string {
  return `urn:problem-type:express-agent-envelope:${code.toLowerCase().replaceAll('_', '-')}`;
}

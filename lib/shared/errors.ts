/** The package's one error class, the catalogue of its codes, and how wrong configuration is reported. */
import { inspect } from 'node:util';
import { ownMember } from './json.js';
import { hasMember } from './thrown.js';

/** One place that breaks a rule. */
export interface ErrorDetail {
  /** RFC 6901 JSON Pointer into the request body (for `INVALID_OUTPUT`, into the output). At most 256 characters. */
  readonly pointer: string;
  /** The rule that was broken, never the value that broke it. At most 256 characters. */
  readonly detail: string;
}

interface CatalogueEntry {
  readonly status: number;
  readonly title: string;
}

/**
 * Every code this package answers with. A code never changes its meaning; texts may.
 * `HTTP_ERROR` and `INTERNAL_ERROR` are how {@link problemDetails} speaks of errors that are not ours.
 */
export const ERROR_CATALOGUE = {
  MALFORMED_JSON: { status: 400, title: 'The body is not well-formed JSON' },
  NO_ENVELOPE: { status: 400, title: 'The request carries no envelope' },
  INVALID_ENVELOPE: { status: 400, title: 'The envelope is not valid' },
  INVALID_FIELD: { status: 400, title: 'An envelope field is not valid' },
  SESSION_REQUIRED: { status: 400, title: 'A session id is required' },
  SESSION_FORBIDDEN: { status: 403, title: 'The session is not open to this caller' },
  RUN_NOT_FOUND: { status: 404, title: 'The run is not known, or no longer' },
  NOT_ACCEPTABLE: { status: 406, title: 'No acceptable representation' },
  BODY_TOO_LARGE: { status: 413, title: 'The body is too large' },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, title: 'The media type is not supported' },
  INVALID_INPUT: { status: 422, title: 'The data does not fit the schema of the route' },
  INVALID_OUTPUT: { status: 500, title: 'The handler produced an output that cannot be sent' },
  MIDDLEWARE_MISSING: {
    status: 500,
    title: 'agentEnvelope() is not mounted where this route needs it',
  },
  ENGINE_FAILED: { status: 502, title: 'The engine failed' },
  INTERNAL_ERROR: { status: 500, title: 'Internal Server Error' },
} as const satisfies Record<string, CatalogueEntry>;

/** A stable error code of this package. */
export type ErrorCode = keyof typeof ERROR_CATALOGUE;

/** What else an {@link EnvelopeError} knows. */
export interface EnvelopeErrorOptions {
  /** The places at fault; the first 8 are kept. @defaultValue `[]` */
  readonly errors?: readonly ErrorDetail[] | undefined;
  /** The error that caused this one. It is never sent to a client. */
  readonly cause?: unknown;
  /** A status that says more than the catalogue's, 400 to 599: 504 for an `ENGINE_FAILED` by timeout. */
  readonly status?: number | undefined;
}

/** Places that an error keeps. */
export const MAX_ERRORS = 8;
const MAX_TEXT = 256;
const BRAND = Symbol.for('express-agent-envelope.error');

/**
 * A request this package could not serve. It goes to `next(err)`: `status`, `statusCode` and `expose` are what Express
 * and `http-errors` consumers read, so an app's own error handler works unchanged.
 *
 * `instanceof` checks a brand, so it holds across two installed copies of the package (ESM and CJS, say).
 *
 * @example
 * ```ts
 * app.use((err, req, res, next) => {
 *   if (err instanceof EnvelopeError) return res.status(err.status).json({ code: err.code, errors: err.errors });
 *   next(err);
 * });
 * ```
 */
export class EnvelopeError extends Error {
  override readonly name = 'EnvelopeError';
  /** Stable code, e.g. `INVALID_FIELD`. */
  readonly code: ErrorCode;
  /** HTTP status, 400 to 599. */
  readonly status: number;
  /** The same as `status`: some error handlers read this name. */
  readonly statusCode: number;
  /** Whether `message` may be shown to the client: true below 500. */
  readonly expose: boolean;
  /** The places at fault, at most 8. */
  readonly errors: readonly ErrorDetail[];
  /** @internal */
  readonly [BRAND] = true;

  /**
   * @param code - a code of the catalogue; it decides the status
   * @param message - what is wrong and which rule it breaks; never a submitted value
   * @param options - places at fault, and the cause
   * @throws TypeError for a code that is not in the catalogue and a status that is no error's
   */
  constructor(code: ErrorCode, message: string, options: EnvelopeErrorOptions = {}) {
    // Own members: options are never read through a polluted prototype.
    const given = (name: keyof EnvelopeErrorOptions) => ownMember({ ...options }, name);
    const cause = given('cause');
    super(escapeControls(String(message)), cause === undefined ? undefined : { cause });
    if (!Object.hasOwn(ERROR_CATALOGUE, code)) {
      throw configError('EnvelopeError: code', 'must be one of the catalogue', code);
    }
    const status = given('status') ?? ERROR_CATALOGUE[code].status;
    if (!isErrorStatus(status)) {
      throw configError('EnvelopeError: status', 'must be a whole number from 400 to 599', status);
    }
    const errors = (given('errors') ?? []) as readonly ErrorDetail[];
    this.code = code;
    this.status = status;
    this.statusCode = status;
    this.expose = status < 500;
    this.errors = Object.freeze(boundedDetails(errors));
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    // A subclass is checked as usual: the brand says nothing about subclasses.
    // biome-ignore lint/complexity/noThisInStatic: `this` is the class that was asked for
    return this === EnvelopeError ? hasMember(value, BRAND) : super[Symbol.hasInstance](value);
  }
}

/** True for a status that reports an error. */
export function isErrorStatus(status: unknown): status is number {
  return Number.isInteger(status) && Number(status) >= 400 && Number(status) <= 599;
}

/** Errors whose message is a list of places: the message says all of them. */
export function detailsError(code: ErrorCode, errors: readonly ErrorDetail[]): EnvelopeError {
  const message = boundedDetails(errors)
    .map(({ pointer, detail }) => `${pointer} ${detail}`)
    .join('; ');
  return new EnvelopeError(code, message, { errors });
}

/**
 * Wrong configuration, thrown where it is written. The value may be shown: it is the developer's own, not a client's.
 *
 * @param place - the option or argument, e.g. `agentEnvelope: fields[1].name`
 */
export function configError(place: string, rule: string, value: unknown): TypeError {
  const shown = inspect(value, { depth: 0, breakLength: Infinity, maxStringLength: 64 });
  return new TypeError(`${place} ${rule}, got ${shown}`);
}

/** At most 8 places, each with at most 256 characters of either text. */
export function boundedDetails(errors: readonly ErrorDetail[]): ErrorDetail[] {
  return errors.slice(0, MAX_ERRORS).map(bounded);
}

function bounded(place: ErrorDetail): ErrorDetail {
  const pointer = escapeControls(String(place.pointer));
  const detail = escapeControls(String(place.detail));
  return Object.freeze({
    // Cut between two segments: what is left still points at an ancestor of the place.
    pointer:
      pointer.length > MAX_TEXT
        ? pointer.slice(0, Math.max(0, pointer.lastIndexOf('/', MAX_TEXT)))
        : pointer,
    detail: detail.length > MAX_TEXT ? `${detail.slice(0, MAX_TEXT - 1)}…` : detail,
  });
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it looks for
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;

/** A client names the members of its body: a name with a line break in it must not begin a log line of its own. */
function escapeControls(text: string): string {
  return text.replace(
    CONTROLS,
    (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

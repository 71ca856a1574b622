/** How a client's own body is turned into an envelope goes in; a middleware that does it before `agentEnvelope()` comes out. */
import type { RequestHandler } from 'express';
import { createBodyReader, isRefusal } from '../request/body.js';
import { keepProtocol, keepState, readState } from '../session/request-state.js';
import { EnvelopeError } from '../shared/errors.js';
import type { JsonObject } from '../shared/json.js';
import { type Parsers, parseBodyLimit, parseConfiguration } from '../shared/option-parsing.js';
import { goOn } from '../shared/thrown.js';

/** What the middlewares of clients take. An explicit `undefined` means the default. */
export interface ClientRequestOptions {
  /**
   * The largest body that it parses itself, in bytes or as a size like `'4mb'`; a larger one is a 413. Images and files come inside
   * of the body, a third larger than they are. It has no effect on a body that an earlier middleware parsed.
   * @defaultValue `'1mb'`
   */
  readonly limit?: number | string | undefined;
}

/** A client's protocol. */
export interface ClientRequest {
  /** The middleware's name. */
  readonly name: string;
  /** Whether a body is one of this client. */
  readonly isOwn: (body: JsonObject) => boolean;
  /** The body's session id, whatever it is: `agentEnvelope()` checks it. */
  readonly sessionId: (body: JsonObject) => unknown;
  /** The inputs. @throws EnvelopeError for what an envelope cannot carry */
  readonly inputs: (body: JsonObject) => JsonObject;
  /** The members that `inputs` and `sessionId` have taken; the others stay at the top level, where fields are. */
  readonly taken: readonly string[];
}

/** @throws TypeError at once, when an option is wrong */
export function clientRequest(
  { name, isOwn, sessionId, inputs, taken }: ClientRequest,
  options?: ClientRequestOptions,
): RequestHandler {
  const parsers: Parsers<{ limit: number | string }> = {
    limit: (value) => parseBodyLimit(`${name}: limit`, value),
  };
  const readBody = createBodyReader(parseConfiguration(`${name}: options`, parsers, options).limit);
  const toEnvelope = (
    body: JsonObject,
  ): { envelope: JsonObject; fault: EnvelopeError | undefined } => {
    const kept = Object.entries(body).filter(([member]) => !taken.includes(member));
    const envelope = (given: JsonObject) =>
      Object.fromEntries([...kept, ['session_id', sessionId(body)], ['inputs', given]]);
    try {
      return { envelope: envelope(inputs(body)), fault: undefined };
    } catch (error) {
      if (error instanceof EnvelopeError) return { envelope: envelope({}), fault: error };
      throw error;
    }
  };
  const middleware: RequestHandler = (req, res, next) => {
    readBody(req, res, (error, body) => {
      goOn(next, () => {
        if (body === undefined) {
          keepProtocol(res, { fault: undefined });
          return () => next(error);
        }
        // The same route may take envelopes, too.
        if (isRefusal(body) || !isOwn(body.object)) return next;
        const { envelope, fault } = toEnvelope(body.object);
        keepProtocol(res, { fault });
        const state = readState(res);
        if (state?.kind === 'accepted')
          keepState(res, { ...state, fault: () => MOUNTED_LATE(name) });
        req.body = envelope;
        return next;
      });
    });
  };
  return Object.defineProperty(middleware, 'name', { value: name });
}

const MOUNTED_LATE = (name: string) =>
  new EnvelopeError('MIDDLEWARE_MISSING', `Mount ${name}() before agentEnvelope()`);

/** A WHATWG `Response` that a handler returned goes in; it goes out as it is, with the session id on it. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Response } from 'express';
import type { Client } from '../request/client.js';
import { recordFailure } from '../session/request-span.js';
import { type EchoedSession, echoSession } from '../session/request-state.js';
import { EnvelopeError } from '../shared/errors.js';
import { isBytes } from '../shared/json.js';
import { hasMember, orUndefined, readMember } from '../shared/thrown.js';
import { flusherOf } from './flush.js';
import { copyHead, type WebResponse } from './response-head.js';

/** In the global registry: two copies of the package (ESM and CJS) know each other's responses. */
const BODY = Symbol.for('express-agent-envelope.protocol-body');

/** What a protocol knows of the body that it made. */
export interface ProtocolBody {
  /** The error that the body has told in the client's own form; `undefined` as long as there is none. */
  readonly failure: unknown;
}

/**
 * Marks the response of a protocol: its headers wait for the first chunk, since an engine may bring the session id, and a
 * failure that its body has told goes to `next(error)` once the response has ended.
 */
export function markProtocol(response: WebResponse, body: ProtocolBody): WebResponse {
  return Object.defineProperty(response, BODY, { value: body });
}

/** True for a `Response` of any realm and of any copy of undici: no `instanceof` knows them all. */
export function isWebResponse(value: unknown): value is WebResponse {
  if (!hasMember(value, 'bodyUsed') || readMember(value, Symbol.toStringTag) !== 'Response') {
    return false;
  }
  const body = readMember(value, 'body');
  const readable = body === null || typeof readMember(body, 'getReader') === 'function';
  return readable && typeof readMember(readMember(value, 'headers'), 'forEach') === 'function';
}

/**
 * Sends a response: the body as fast as the client takes it. It is cancelled when the client leaves.
 *
 * @throws {@link EnvelopeError} `INVALID_OUTPUT` (500) for a body that something else reads or has read, for one that is not
 * made of bytes, and for `Response.error()`. What the body fails with: as it is before the headers, else after the connection
 * was reset
 */
export async function sendResponse(
  res: Response,
  { state }: { readonly state: EchoedSession },
  response: WebResponse,
): Promise<void> {
  const { body, status } = response;
  const { client } = state;
  if (response.bodyUsed || body?.locked) {
    throw unsendable('its body is read already: return one that nothing else has read');
  }
  if (res.headersSent || client.closed) return body?.cancel();
  if (status < 200 || status > 599) throw unsendable('it has no status: throw an error');
  const open = () => {
    copyHead(response, res);
    echoSession(res, state);
  };
  // Node drops what is written where no body may be, and never says wait: an endless body would be read for ever.
  if (body === null || res.req.method === 'HEAD') {
    open();
    res.end();
    return body?.cancel();
  }
  const protocol = readMember(response, BODY) as ProtocolBody | undefined;
  await sendBody(res, client, body, { open, protocol });
}

/** Bytes that go out in a turn of the event loop at the most: a body that never pauses must not keep other requests waiting. */
const MAX_TURN = 64 * 1024;
/** What a chunk counts at the least: an empty one fills no buffer, and takes its time all the same. */
const MIN_CHUNK = 64;

interface Head {
  /** Puts status and headers onto the reply. */
  readonly open: () => void;
  /** Where there is one, status and headers wait for the first chunk. */
  readonly protocol: ProtocolBody | undefined;
}

async function sendBody(
  res: Response,
  client: Client,
  body: ReadableStream<unknown>,
  { open, protocol }: Head,
): Promise<void> {
  const reader = body.getReader();
  let cancelling: Promise<void> | undefined;
  const cancel = () => {
    cancelling ??= reader.cancel();
    cancelling.catch(() => undefined);
  };
  const isOver = () => client.closed || res.writableEnded;
  let wake = () => {};
  const onDrain = () => wake();
  const stopWatching = client.onClose(() => {
    cancel();
    wake();
  });
  // One for the whole body: `compression()` takes it onto a stream of its own, from which nothing removes it.
  res.on('drain', onDrain);
  let isBegun = false;
  try {
    const first = reader.read();
    // A body that fails in its first turn keeps the status of its failure.
    const slow = !protocol && (await Promise.race([first, nextTurn(true)])) === true;
    if (slow && !isOver()) {
      open();
      res.flushHeaders();
    }
    let chunk = toBytes(await first);
    if (!slow && !isOver()) open();
    const flush = flusherOf(res);
    let written = 0;
    for (; chunk !== undefined && !isOver(); chunk = toBytes(await reader.read())) {
      written += Math.max(chunk.byteLength, MIN_CHUNK);
      // Only `false` means wait: with Lambda adapters `write()` returns `undefined`.
      const full = res.write(chunk) === false;
      isBegun = true;
      flush();
      // Until the client has taken what was written, or has left.
      if (full) await new Promise<void>((resolve) => (wake = resolve));
      else if (written < MAX_TURN) continue;
      // Also after a `drain`: Node emits it in the turn of the write where the socket takes it all.
      await nextTurn();
      written = 0;
    }
    if (isOver()) cancel();
    else {
      const failure = protocol?.failure;
      // The status of the reply is sent already: without this, the trace would show a success.
      if (failure !== undefined) recordFailure(failure);
      await end(res);
      if (failure !== undefined) throw failure;
    }
    await cancelling;
  } catch (error) {
    cancel();
    // A middleware may keep all that is written to the end: no header is sent until then.
    if ((res.headersSent || isBegun) && !isOver()) {
      recordFailure(error);
      reset(res);
    }
    throw error;
  } finally {
    stopWatching();
    res.off('drain', onDrain);
  }
}

/** `undefined` at the end of the body. */
function toBytes({ done, value }: { done: boolean; value?: unknown }): Uint8Array | undefined {
  if (done || isBytes(value)) return value as Uint8Array | undefined;
  throw unsendable('its body is not made of bytes: pipe it through a TextEncoderStream');
}

function unsendable(fault: string): EnvelopeError {
  return new EnvelopeError('INVALID_OUTPUT', `The handler's Response cannot be sent, ${fault}`);
}

/** Until the reply has gone out: whoever hears of a failure may close the connection. */
function end(res: Response): Promise<void> {
  return new Promise((resolve) => {
    res.once('finish', resolve).once('close', resolve).end();
  });
}

/** RFC 9113 section 7: INTERNAL_ERROR. */
const HTTP2_INTERNAL_ERROR = 2;

/** The client must not take the part that it has for the whole. */
function reset(res: Response & { stream?: { close?: (code: number) => void } }): void {
  // The sockets of Lambda adapters are plain objects.
  orUndefined(() => (res.stream?.close ? res.stream.close(HTTP2_INTERNAL_ERROR) : res.destroy()));
}

/** A request, its response and its client go in, a bound handler's second argument comes out. */
import type { Request, Response } from 'express';
import type { Client } from '../request/client.js';
import { resumeSlot, type SessionSlot } from '../session/slot.js';

/** The second argument of a bound handler. */
export interface HandlerIo {
  readonly req: Request;
  /** A handler that answers by itself returns `undefined`. It is called only when the client accepts JSON or a stream. */
  readonly res: Response;
  /**
   * Aborts when the client leaves before the reply has ended; its listeners run in the session. Pass it on to whatever can
   * be stopped.
   */
  readonly signal: AbortSignal;
}

/** The second argument, and what the handler has taken of it. */
export interface WatchedIo {
  readonly io: HandlerIo;
  readonly taken: {
    /** Whether the handler took `req` or `res`: a handler that takes neither cannot answer by itself. */
    exchange: boolean;
    /** The signal is made when it is first read: most handlers never read it. */
    signal: AbortSignal | undefined;
  };
}

/** Accessors of the object itself, so that `{ ...io }` and `{ req, ...others }` have them all. */
export function createHandlerIo(
  req: Request,
  res: Response,
  client: Client,
  slot: SessionSlot,
): WatchedIo {
  const taken: WatchedIo['taken'] = { exchange: false, signal: undefined };
  const io = {
    get req() {
      taken.exchange = true;
      return req;
    },
    get res() {
      taken.exchange = true;
      return res;
    },
    get signal() {
      taken.signal ??= abortWhenLeft(client, slot);
      return taken.signal;
    },
  };
  return { io, taken };
}

function abortWhenLeft(client: Client, slot: SessionSlot): AbortSignal {
  const controller = new AbortController();
  const abort = () => {
    if (client.left) resumeSlot(slot, () => controller.abort());
  };
  if (client.closed) abort();
  else client.onClose(abort);
  return controller.signal;
}

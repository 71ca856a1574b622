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
  readonly taken: Taken;
}

/** What a handler may take, and what it has taken. */
interface Taken {
  readonly req: Request;
  readonly res: Response;
  readonly client: Client;
  readonly slot: SessionSlot;
  /** Whether the handler took `req` or `res`: a handler that takes neither cannot answer by itself. */
  exchange: boolean;
  /** The signal is made when it is first read: most handlers never read it. */
  signal: AbortSignal | undefined;
}

export function createHandlerIo(
  req: Request,
  res: Response,
  client: Client,
  slot: SessionSlot,
): WatchedIo {
  const taken: Taken = { req, res, client, slot, exchange: false, signal: undefined };
  const io = Object.defineProperty({}, TAKEN, { value: taken });
  return { io: Object.defineProperties(io, ACCESSORS) as HandlerIo, taken };
}

const TAKEN = Symbol('taken');

type Holder = { readonly [TAKEN]: Taken };

/**
 * Accessors of the object itself, so that `{ ...io }` and `{ req, ...others }` have them all. The functions are the same for every
 * object: with closures, V8 takes each object, and with it its request, into the old space, where only a full collection frees it.
 */
const ACCESSORS: PropertyDescriptorMap & ThisType<Holder> = {
  req: {
    enumerable: true,
    get() {
      this[TAKEN].exchange = true;
      return this[TAKEN].req;
    },
  },
  res: {
    enumerable: true,
    get() {
      this[TAKEN].exchange = true;
      return this[TAKEN].res;
    },
  },
  signal: {
    enumerable: true,
    get() {
      const taken = this[TAKEN];
      taken.signal ??= abortWhenLeft(taken.client, taken.slot);
      return taken.signal;
    },
  },
};

function abortWhenLeft(client: Client, slot: SessionSlot): AbortSignal {
  const controller = new AbortController();
  const abort = () => {
    if (client.left) resumeSlot(slot, () => controller.abort());
  };
  if (client.closed) abort();
  else client.onClose(abort);
  return controller.signal;
}

/** A request, its response and its client go in, a bound handler's second argument comes out. */
import { setMaxListeners } from 'node:events';
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
  readonly taken: Pick<Exchange, 'isTaken' | 'isResTaken' | 'signal'>;
}

export function createHandlerIo(
  req: Request,
  res: Response,
  client: Client,
  slot: SessionSlot,
): WatchedIo {
  const taken = new Exchange(req, res, client, slot);
  return { io: new Proxy(taken, NOTING) as HandlerIo, taken };
}

/** Its own enumerable members are those of the second argument. */
class Exchange {
  readonly req: Request;
  readonly res: Response;
  /** Made when it is first read: most handlers never read it. */
  signal: AbortSignal | undefined;
  readonly #client: Client;
  readonly #slot: SessionSlot;
  #taken = false;
  #resTaken = false;

  constructor(req: Request, res: Response, client: Client, slot: SessionSlot) {
    this.req = req;
    this.res = res;
    this.signal = undefined;
    this.#client = client;
    this.#slot = slot;
  }

  /** Whether the handler took `req` or `res`: a handler that takes neither cannot answer by itself. */
  get isTaken(): boolean {
    return this.#taken;
  }

  /** Whether it took `res`: then an answer that is there may be its own. */
  get isResTaken(): boolean {
    return this.#resTaken;
  }

  note(name: PropertyKey): void {
    if (name === 'signal') this.signal ??= abortWhenLeft(this.#client, this.#slot);
    else if (name === 'req' || name === 'res') this.#taken = true;
    if (name === 'res') this.#resTaken = true;
  }
}

/**
 * A Proxy knows what a handler takes, also by `{ ...io }` and `{ req, ...others }`. To define accessors on an object costs a request
 * several times as much; with closures, V8 would take each object, and with it its request, into the old space, where only a
 * full collection frees it.
 */
const NOTING: ProxyHandler<Exchange> = {
  get(exchange, name) {
    exchange.note(name);
    return exchange[name as keyof Exchange];
  },
  // What is frozen can no longer be made.
  preventExtensions(exchange) {
    exchange.note('signal');
    return Reflect.preventExtensions(exchange);
  },
};

function abortWhenLeft(client: Client, slot: SessionSlot): AbortSignal {
  const controller = new AbortController();
  // A handler may pass it on to any number of calls: Node warns of the eleventh listener.
  setMaxListeners(Number.POSITIVE_INFINITY, controller.signal);
  const abort = () => {
    if (client.left) resumeSlot(slot, () => controller.abort());
  };
  if (client.closed) abort();
  else client.onClose(abort);
  return controller.signal;
}

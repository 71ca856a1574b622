/** A request and its response go in; whether the client is still there comes out, and a call when it leaves. */
import type { Socket } from 'node:net';
import { diag } from '@opentelemetry/api';
import type { Request, Response } from 'express';
import { bindAsyncContext } from '../shared/async-context.js';
import { orUndefined } from '../shared/thrown.js';

/** The other end of a request's connection. */
export class Client {
  /**
   * Whether the exchange is over: the reply has gone out, or the client has left. After construction only the `close` event
   * counts: over HTTP/2 and on Deno the response's own `closed` is `undefined`.
   */
  closed: boolean;
  readonly #res: Response;
  #listeners: Set<() => void> | undefined;

  /** Starts watching; a client that has already left is detected. */
  constructor(req: Request, res: Response) {
    this.#res = res;
    this.closed = wasClosed(req, res);
    const close = () => this.#close();
    // Not `once()`: that costs more than all else here, and `#close()` runs once anyway.
    res.on('close', close);
    // A pipelined response waits for its turn without a socket, and gets no event when the connection ends meanwhile.
    if (res.socket === null) res.once('close', onSocketClose(req.socket, close));
  }

  /** Whether the client left before the reply had ended. */
  get left(): boolean {
    return this.closed && !this.#res.writableEnded;
  }

  /**
   * Calls `listener` once when the exchange is over, in the async context of this call. The returned function removes
   * the listener. If the exchange is over already, nothing is called: check {@link closed} first.
   */
  onClose(listener: () => void): () => void {
    const bound = bindAsyncContext(listener);
    this.#listeners ??= new Set();
    this.#listeners.add(bound);
    return () => this.#listeners?.delete(bound);
  }

  #close(): void {
    if (this.closed) return;
    this.closed = true;
    const listeners = this.#listeners ?? [];
    this.#listeners = undefined;
    callAll(listeners);
  }
}

/** Over HTTP/2 the response says nothing; there the request's socket stands for its stream. */
function wasClosed(req: Request, res: Response): boolean {
  return res.closed === true || res.destroyed === true || req.socket?.destroyed === true;
}

/** A listener that throws does not keep the others from being called. From a socket's event, a throw would end the process. */
function callAll(listeners: Iterable<() => void>): void {
  for (const listener of listeners) {
    try {
      listener();
    } catch (error) {
      const message = 'express-agent-envelope: a listener to the end of an exchange failed';
      // The logger is code of others, too.
      orUndefined(() => diag.error(message, error));
    }
  }
}

/** One listener a socket: a client may pipeline any number of requests, and Node warns of the eleventh listener. */
const socketListeners = new WeakMap<Socket, Set<() => void>>();

/** Calls `listener` when `socket` closes; the returned function removes the listener. */
function onSocketClose(socket: Socket | null | undefined, listener: () => void): () => void {
  // The sockets of Lambda adapters are plain objects.
  if (typeof socket?.once !== 'function') return () => {};
  const listeners = socketListeners.get(socket) ?? watchSocket(socket);
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function watchSocket(socket: Socket): Set<() => void> {
  const listeners = new Set<() => void>();
  socketListeners.set(socket, listeners);
  socket.once('close', () => callAll(listeners));
  return listeners;
}

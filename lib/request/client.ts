/** A request and its response go in; whether the client is still there comes out, and a call when it leaves. */
import { AsyncResource } from 'node:async_hooks';
import type { Socket } from 'node:net';
import type { Request, Response } from 'express';

/** The other end of a request's connection. */
export class Client {
  /**
   * Whether the exchange is over: the reply has gone out, or the client has left. Only what a listener was told counts:
   * over HTTP/2 and on Deno the response's own `closed` is `undefined`.
   */
  closed: boolean;
  readonly #res: Response;
  #listeners: Set<() => void> | undefined;

  /** Watches from now on; one that is gone by now is found to be. */
  constructor(req: Request, res: Response) {
    this.#res = res;
    this.closed = wasClosed(req, res);
    const close = () => this.#close();
    res.once('close', close);
    // A pipelined response waits for its turn without a socket, and hears nothing when the connection ends meanwhile.
    if (res.socket === null) res.once('close', onSocketClose(req.socket, close));
  }

  /** Whether the client left before the reply had ended. */
  get left(): boolean {
    return this.closed && !this.#res.writableEnded;
  }

  /**
   * Calls `listener` once when the exchange is over, in the async context of this call. The returned function takes it
   * back. Where it is over already nothing is called: ask {@link closed} first.
   */
  onClose(listener: () => void): () => void {
    const bound = AsyncResource.bind(listener);
    this.#listeners ??= new Set();
    this.#listeners.add(bound);
    return () => this.#listeners?.delete(bound);
  }

  #close(): void {
    if (this.closed) return;
    this.closed = true;
    const listeners = this.#listeners ?? [];
    this.#listeners = undefined;
    for (const listener of listeners) listener();
  }
}

function wasClosed(req: Request, res: Response & { stream?: { destroyed?: boolean } }): boolean {
  return [res.closed, res.destroyed, req.socket?.destroyed, res.stream?.destroyed].includes(true);
}

/** One listener a socket: a client may pipeline any number of requests, and Node warns of the eleventh listener. */
const socketListeners = new WeakMap<Socket, Set<() => void>>();

/** Calls `listener` when `socket` closes; the returned function takes it back. */
function onSocketClose(socket: Socket | null | undefined, listener: () => void): () => void {
  // The sockets of Lambda adapters are plain objects.
  if (typeof socket?.once !== 'function') return () => {};
  let listeners = socketListeners.get(socket);
  if (listeners === undefined) {
    const created = new Set<() => void>();
    socket.once('close', () => {
      for (const call of created) call();
    });
    socketListeners.set(socket, created);
    listeners = created;
  }
  listeners.add(listener);
  return () => socketListeners.get(socket)?.delete(listener);
}

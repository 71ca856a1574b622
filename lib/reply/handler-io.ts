/** A request and its response go in, a bound handler's second argument comes out. */
import type { Request, Response } from 'express';

/** The second argument of a bound handler. */
export interface HandlerIo {
  readonly req: Request;
  /** A handler that answers by itself returns `undefined`. It is asked only by clients that take JSON or a stream. */
  readonly res: Response;
  /** Aborts when the client leaves before the reply has ended. Pass it on to whatever can be stopped. */
  readonly signal: AbortSignal;
}

/** Notes what the handler takes: who takes neither `req` nor `res` cannot answer by itself. */
export class Io implements HandlerIo {
  readonly #req: Request;
  readonly #res: Response;
  #signal: AbortSignal | undefined;
  /** Whether the handler took what it needs to answer by itself. */
  mayAnswer = false;

  constructor(req: Request, res: Response) {
    this.#req = req;
    this.#res = res;
  }

  get req(): Request {
    this.mayAnswer = true;
    return this.#req;
  }

  get res(): Response {
    this.mayAnswer = true;
    return this.#res;
  }

  /** Made when it is first read: most handlers never do. */
  get signal(): AbortSignal {
    this.#signal ??= abortOnClose(this.#res);
    return this.#signal;
  }
}

/** `close` of the response, not of the request: that one fires when the body has been read. */
function abortOnClose(res: Response): AbortSignal {
  const controller = new AbortController();
  const close = () => {
    if (!res.writableEnded) controller.abort();
  };
  if (res.closed) close();
  else res.once('close', close);
  return controller.signal;
}

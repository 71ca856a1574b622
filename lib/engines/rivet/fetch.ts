/**
 * Wraps the SDK's requests so that no response can hang or crash it; hands over the agent's messages on the way.
 *
 * The SDK's transport (acp-http-client 0.4) sends requests by POST and gets the agent's messages as server-sent events.
 * Without this guard a POST that fails is an unhandled rejection, and its caller waits for ever; an answer overtakes
 * the last events; the callers that wait for an agent never learn of its death; and the daemon leaves a POST open for good
 * when an answer takes longer than its own limit (two minutes), though the answer is among the events.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { EnvelopeError } from '../../shared/errors.js';
import { splitLines } from '../response-body.js';
import { within } from '../waiting.js';
import { codeOf, send } from './connect.js';
import { watchEvents } from './event-stream.js';
import { createPendingRequests, type RpcMessage, rpcError } from './rpc.js';

/** How long to wait for the event stream to deliver an answer that POST already delivered; its events are ordered. */
const ANSWER_MS = 1000;
/** The daemon never answers a DELETE; it acts when the connection is gone. */
const DELETE_MS = 200;

/** A `fetch` for one client of the SDK. */
export class GuardedFetch {
  readonly #onMessage: (message: RpcMessage, answers?: string) => void;
  readonly #maxEventBytes: number;
  readonly #ending = new AbortController();
  readonly #requests = createPendingRequests();
  #connected = false;

  /**
   * @param onMessage - gets every message of the agent, in order, with the method of the request that it answers
   * @param maxEventBytes - the longest message that is read
   */
  constructor(onMessage: (message: RpcMessage, answers?: string) => void, maxEventBytes: number) {
    this.#onMessage = onMessage;
    this.#maxEventBytes = maxEventBytes;
  }

  // The SDK gives a URL and an init. No Request is made of them, nor an AbortSignal.timeout(): their signals hang on
  // one another by weak references, and a request whose signal was collected cannot be aborted any more.
  readonly fetch: typeof globalThis.fetch = async (input, init = {}) => {
    const url = String(input);
    if (!new URL(url).pathname.includes('/v1/acp/')) {
      return send(url, { ...init, signal: this.#ending.signal });
    }
    if (init.method === 'POST') return this.#post(url, init);
    if (init.method === 'DELETE') {
      return within(DELETE_MS, (signal) => send(url, { ...init, signal }));
    }
    return this.#listen(url, init);
  };

  /** Fails what is pending, and whatever comes after. */
  end(reason: string): void {
    this.#ending.abort(reason);
    this.#requests.failAll(reason);
  }

  async #listen(url: string, init: RequestInit): Promise<Response> {
    const response = await send(url, init).catch((error) => {
      this.#failWhenConnected(codeOf(error));
      throw error;
    });
    if (!response.ok || response.body === null) {
      // At first it may be too early, before the POST that has the daemon start the agent: the SDK asks again.
      this.#failWhenConnected(`status ${response.status}`);
      return response;
    }
    this.#connected = true;
    const body = watchEvents(response.body, splitLines(this.#maxEventBytes, 'The daemon'), {
      onMessage: (message) => this.#receive(message),
      onFailure: (error) => {
        const known = error instanceof EnvelopeError ? error.message : codeOf(error);
        this.#requests.failAll(`The daemon's events broke off (${known})`);
      },
    });
    return new Response(body, { status: response.status, headers: response.headers });
  }

  #failWhenConnected(why: string): void {
    if (this.#connected) this.#requests.failAll(`The daemon's events cannot be had again (${why})`);
  }

  #receive(message: RpcMessage): void {
    const { id, method } = message;
    if (method !== undefined) {
      if (method === '_adapter/agent_exited') this.#requests.failAll('The agent has exited');
      this.#onMessage(message);
      return;
    }
    const answered = this.#requests.methodOf(id);
    this.#onMessage(message, answered);
    // The answer came by event; the POST is no longer needed.
    if (answered === 'session/prompt') {
      this.#requests.answer(id, new Response(null, { status: 202 }));
    }
  }

  async #post(url: string, init: RequestInit): Promise<Response> {
    const { id, method } = JSON.parse(String(init.body)) as RpcMessage;
    const { signal } = this.#ending;
    if (signal.aborted) return rpcError(JSON.stringify(id ?? null), String(signal.reason));
    const stop = new AbortController();
    const posted = post(url, { ...init, signal: stop.signal });
    if (id === undefined || method === undefined) {
      // Neither a notification nor an answer gets an answer that a caller waits for.
      await posted.catch(() => undefined);
      return new Response(null, { status: 202 });
    }
    const answer = this.#requests.add(id, method);
    this.#answerWith(posted, id, method, stop.signal);
    try {
      return await answer;
    } finally {
      stop.abort();
    }
  }

  async #answerWith(
    posted: Promise<Posted>,
    id: RpcMessage['id'],
    method: string,
    stop: AbortSignal,
  ): Promise<void> {
    try {
      const { response, text } = await posted;
      if (!response.ok) return this.#requests.fail(id, problemOf(response, text));
      // The events begin with the agent: they may be too late for its first answer.
      if (method === 'initialize') this.#onMessage(JSON.parse(text) as RpcMessage, method);
      if (method === 'session/prompt') await delay(ANSWER_MS, undefined, { signal: stop });
      const headers = { 'content-type': 'application/json' };
      this.#requests.answer(id, new Response(text, { headers }));
    } catch (error) {
      const code = codeOf(error);
      // Node's fetch waits five minutes for headers; the events go on.
      if (code === 'UND_ERR_HEADERS_TIMEOUT' && this.#connected) return;
      this.#requests.fail(id, `The daemon cannot be reached (${code})`);
    }
  }
}

interface Posted {
  readonly response: Response;
  readonly text: string;
}

async function post(url: string, init: RequestInit): Promise<Posted> {
  const response = await send(url, init);
  return { response, text: await response.text() };
}

/** The daemon's problem document explains the failure best. */
function problemOf({ status }: Response, text: string): string {
  try {
    const { detail } = JSON.parse(text) as { detail?: unknown };
    if (typeof detail === 'string') return detail;
  } catch {
    // Not JSON: another server than the daemon answered.
  }
  return `The daemon answered with status ${status}`;
}

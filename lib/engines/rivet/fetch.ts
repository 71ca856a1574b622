/**
 * The SDK's requests go in, answers come out that it survives; what the agent says passes by on the way.
 *
 * The SDK's transport (acp-http-client 0.4) sends requests by POST and gets the agent's messages as server-sent events. Left
 * to itself: a POST that fails is an unhandled rejection, and whoever waits for its answer waits for ever; an answer overtakes
 * the last events; an agent's death is not told to whoever waits for the agent; and the daemon leaves a POST open for good when
 * an answer takes longer than its own limit (two minutes), though the answer is among the events.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { codeOf, send, within } from './connect.js';

/** A JSON-RPC message. */
export interface RpcMessage {
  readonly id?: string | number | null;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: unknown;
}

/** A `fetch` for one client of the SDK. */
export interface GuardedFetch {
  readonly fetch: typeof globalThis.fetch;
  /** Fails what is pending, and whatever comes after. */
  end(reason: string): void;
}

/** Its events are the whole turn, in order: how long to wait for an answer among them that has come by POST. */
const SETTLE_MS = 1000;
/** The daemon never answers a DELETE; it acts when the connection is gone. */
const DELETE_MS = 200;

/** JSON-RPC's range for servers, a code without a meaning of its own. */
const RPC_FAILED = -32001;

/**
 * Makes the `fetch` of one client.
 *
 * @param see - is told every message of the agent, in order, with the method of the request that it answers
 */
export function guardFetch(see: (message: RpcMessage, answers?: string) => void): GuardedFetch {
  const ending = new AbortController();
  const methods = new Map<string, string>();
  const pending = new Map<string, (answer: Response) => void>();
  let heard = false;

  const fail = (message: string) => {
    for (const [id, settle] of pending) settle(rpcError(id, message));
  };

  const hear = (message: RpcMessage) => {
    if (message.method !== undefined) {
      if (message.method === '_adapter/agent_exited') fail('The agent has exited');
      return see(message);
    }
    const id = JSON.stringify(message.id);
    const method = methods.get(id);
    see(message, method);
    // The SDK reads the answer here, too: there is nothing left for the POST to bring.
    if (method === 'session/prompt') pending.get(id)?.(new Response(null, { status: 202 }));
  };

  const listen = async (url: string, init: RequestInit): Promise<Response> => {
    const response = await send(url, init);
    if (!response.ok || response.body === null) {
      // At first it may be too early, before the POST that has the daemon start the agent: the SDK asks again.
      if (heard) fail(`The daemon's events cannot be had again (status ${response.status})`);
      return response;
    }
    heard = true;
    const body = passingBy(response.body, hear);
    return new Response(body, { status: response.status, headers: response.headers });
  };

  const post = async (url: string, init: RequestInit): Promise<Response> => {
    const { id, method } = JSON.parse(String(init.body)) as RpcMessage;
    const stop = new AbortController();
    const answered = async () => {
      const response = await send(url, { ...init, signal: stop.signal });
      return { response, text: await response.text() };
    };
    const key = JSON.stringify(id);
    if (ending.signal.aborted) return rpcError(key, String(ending.signal.reason));
    if (id === undefined || method === undefined) {
      // Nobody waits for an answer to a notification, or to an answer.
      await answered().catch(() => undefined);
      return new Response(null, { status: 202 });
    }
    methods.set(key, method);
    const answer = new Promise<Response>((settle) => {
      pending.set(key, settle);
      answered()
        .then(async ({ response, text }) => {
          if (!response.ok) return settle(rpcError(key, problemOf(response, text)));
          if (method === 'session/prompt') await delay(SETTLE_MS, undefined, stop);
          settle(new Response(text, { headers: { 'content-type': 'application/json' } }));
        })
        .catch((error) => {
          const code = codeOf(error);
          // Node's fetch waits five minutes for headers; the events go on.
          if (code === 'UND_ERR_HEADERS_TIMEOUT' && heard) return;
          settle(rpcError(key, `The daemon cannot be reached (${code})`));
        });
    });
    try {
      return await answer;
    } finally {
      pending.delete(key);
      stop.abort();
    }
  };

  return {
    // The SDK gives a URL and an init. No Request is made of them, nor an AbortSignal.timeout(): their signals hang on
    // one another by weak references, and a request whose signal was collected cannot be aborted any more.
    async fetch(input, init = {}) {
      const url = String(input);
      if (!new URL(url).pathname.includes('/v1/acp/')) {
        return send(url, { ...init, signal: ending.signal });
      }
      if (init.method === 'POST') return post(url, init);
      if (init.method === 'DELETE') {
        return within(DELETE_MS, (signal) => send(url, { ...init, signal }));
      }
      try {
        return await listen(url, init);
      } catch (error) {
        if (heard) fail(`The daemon's events cannot be had again (${codeOf(error)})`);
        throw error;
      }
    },
    end(reason) {
      ending.abort(reason);
      fail(reason);
    },
  };

  function passingBy(body: ReadableStream<Uint8Array>, tell: (message: RpcMessage) => void) {
    const reader = body.getReader();
    const decoder = new TextDecoder();
    let rest = '';
    return new ReadableStream<Uint8Array>({
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (done) return controller.close();
          const lines = (rest + decoder.decode(value, { stream: true })).split('\n');
          rest = lines.pop() ?? '';
          for (const line of lines) {
            if (line.startsWith('data:')) tell(JSON.parse(line.slice(5)) as RpcMessage);
          }
          controller.enqueue(value);
        } catch (error) {
          fail(`The daemon's events broke off (${codeOf(error)})`);
          controller.error(error);
        }
      },
      cancel: (reason) => reader.cancel(reason),
    });
  }
}

function rpcError(id: string, message: string): Response {
  return Response.json({
    jsonrpc: '2.0',
    id: JSON.parse(id),
    error: { code: RPC_FAILED, message },
  });
}

/** The daemon's problem document says it best. */
function problemOf({ status }: Response, text: string): string {
  try {
    const { detail } = JSON.parse(text) as { detail?: unknown };
    if (typeof detail === 'string') return detail;
  } catch {
    // Something else than the daemon.
  }
  return `The daemon answered with status ${status}`;
}

/** JSON-RPC requests go in, and wait here for their answers, which may come by POST or by event. */
import { isJsonObject } from '../../shared/json.js';

/** A JSON-RPC message. */
export interface RpcMessage {
  readonly id?: string | number | null;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: unknown;
}

/** What a message has in a place that it may not have. */
export function memberAt(value: unknown, ...names: readonly string[]): unknown {
  return names.reduce((at, name) => (isJsonObject(at) ? at[name] : undefined), value);
}

/** JSON-RPC's range for servers, a code without a meaning of its own. */
const RPC_FAILED = -32001;

/** The requests of one client. */
export interface PendingRequests {
  /** Waits for the answer. */
  add(id: RpcMessage['id'], method: string): Promise<Response>;
  /** The method of a request, also after its end. */
  methodOf(id: RpcMessage['id']): string | undefined;
  /** Answers one; only the first answer counts. */
  answer(id: RpcMessage['id'], response: Response): void;
  /** Answers one with an error. */
  fail(id: RpcMessage['id'], message: string): void;
  /** Answers all with an error. */
  failAll(message: string): void;
}

export function createPendingRequests(): PendingRequests {
  const methods = new Map<string, string>();
  const waiting = new Map<string, (answer: Response) => void>();
  const answer = (key: string, response: Response) => {
    waiting.get(key)?.(response);
    waiting.delete(key);
  };
  const fail = (key: string, message: string) => answer(key, rpcError(key, message));
  return {
    add(id, method) {
      const key = JSON.stringify(id);
      methods.set(key, method);
      return new Promise((resolve) => {
        waiting.set(key, resolve);
      });
    },
    methodOf: (id) => methods.get(JSON.stringify(id)),
    answer: (id, response) => answer(JSON.stringify(id), response),
    fail: (id, message) => fail(JSON.stringify(id), message),
    failAll(message) {
      for (const key of waiting.keys()) fail(key, message);
    },
  };
}

/** @param key - the id of the request, as JSON */
export function rpcError(key: string, message: string): Response {
  return Response.json({
    jsonrpc: '2.0',
    id: JSON.parse(key),
    error: { code: RPC_FAILED, message },
  });
}

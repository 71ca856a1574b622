/** The URL of a daemon goes in, a daemon that answers comes out, with a directory for an agent to work in. */
import { randomUUID } from 'node:crypto';
import { propagation } from '@opentelemetry/api';
import { activeContext, withContext } from '../../session/tracing.js';
import { within } from '../waiting.js';

/** A daemon that answers. */
export interface Daemon {
  readonly url: string;
  readonly token: string | undefined;
  /** An empty directory on the daemon's machine. */
  readonly cwd: string;
  /** Ends the daemon with all its children, when it is an own one: before the client is disposed of, which waits for it. */
  stop(): Promise<void>;
  /** Removes the directory. */
  clean(): Promise<void>;
}

/** The name has the owner's pid, so that a leftover directory can be traced to its process. */
export const DIRECTORY_PREFIX = `express-agent-envelope-rivet-${process.pid}-`;

const CLEAN_MS = 2000;

/**
 * `fetch` without W3C baggage: an app that puts the platform's id there means its own services, and an instrumented `fetch`
 * would hand it to the daemon. A redirect is not followed: it would take the conversation to another host.
 */
export const send: typeof globalThis.fetch = (input, init) =>
  withContext(propagation.deleteBaggage(activeContext()), () =>
    globalThis.fetch(input, { ...init, redirect: 'manual' }),
  );

/** What `fetch` knows of why it failed: the error's message says next to nothing. */
export function codeOf(error: unknown): string {
  const { name, cause } = Object(error) as { name?: string; cause?: { code?: string } };
  return cause?.code ?? name ?? 'unknown';
}

/**
 * Makes sure that a daemon answers there, to this token.
 *
 * @param signal - gives up, with its reason
 */
export async function connectDaemon(
  url: string,
  token: string | undefined,
  signal: AbortSignal,
): Promise<Daemon> {
  const ask = async (method: string, path: string, patience: AbortSignal) => {
    const headers = { ...(token !== undefined && { authorization: `Bearer ${token}` }) };
    const answered = send(`${url}${path}`, { method, headers, signal: patience });
    const response = await answered.catch((error) => {
      patience.throwIfAborted();
      throw new Error(`No daemon can be reached (${codeOf(error)})`);
    });
    await response.arrayBuffer();
    if (!response.ok) throw new Error(`The daemon answered with status ${response.status}`);
  };
  // The daemon may run on another machine, so it makes the directory itself.
  const cwd = `/tmp/${DIRECTORY_PREFIX}${randomUUID()}`;
  const query = new URLSearchParams({ path: cwd });
  await ask('GET', '/v1/health', signal);
  await ask('POST', `/v1/fs/mkdir?${query}`, signal);
  return {
    url,
    token,
    cwd,
    stop: async () => {},
    // A daemon that is gone by now keeps the directory: nothing here can reach it.
    clean: () =>
      within(CLEAN_MS, (patience) =>
        ask('DELETE', `/v1/fs/entry?${query}&recursive=true`, patience),
      ),
  };
}

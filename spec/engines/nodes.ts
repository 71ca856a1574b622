/** Real processes for specs: started, asked, and stopped by the spec that started them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export interface Node {
  readonly child: ChildProcess;
  readonly url: string;
}

/** Starts a script of this folder, which prints its port. */
export async function start(
  script: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<Node> {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const child = spawn(process.execPath, [path, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  });
  const [port] = await once(child.stdout as NodeJS.ReadableStream, 'data');
  return { child, url: `http://127.0.0.1:${String(port).trim()}` };
}

export async function stop({ child }: Node): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill();
  await exited;
}

export const getJson = async <T>(url: string): Promise<T> =>
  (await fetch(url)).json() as Promise<T>;

/** Posts an envelope to `/run`. */
export const post = (
  node: Node,
  body: object,
  accept = 'application/json',
  signal?: AbortSignal,
): Promise<Response> =>
  fetch(`${node.url}/run`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept },
    body: JSON.stringify(body),
    ...(signal && { signal }),
  });

export const ask = (content: string) => ({ messages: [{ role: 'user' as const, content }] });

/** Asks again until it holds: the test runner's limit ends a wait in vain. */
export async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await holds())) await delay(10);
}

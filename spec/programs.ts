/** Whole programs for specs, each a process of its own: started on free ports, and stopped together. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const running: ChildProcess[] = [];

/** Starts a program that says nothing of a URL. */
export function startQuietly(
  program: URL,
  args: readonly string[] = [],
  env: Record<string, string> = {},
): ChildProcess {
  const child = spawn(process.execPath, [fileURLToPath(program), ...args], {
    env: { ...process.env, PORT: '0', RUNNER_PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  running.push(child);
  return child;
}

/** Starts a program; its URL is the line that is nothing else. */
export async function startProgram(
  program: URL,
  args?: readonly string[],
  env?: Record<string, string>,
): Promise<string> {
  const child = startQuietly(program, args, env);
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  for await (const line of lines) {
    if (!line.startsWith('http://127.0.0.1:')) continue;
    // Read on: a full pipe would stop it.
    child.stdout?.resume();
    return line;
  }
  throw new Error(`${program} ended before it listened`);
}

export async function stopPrograms(): Promise<void> {
  const children = running.splice(0).filter(({ exitCode }) => exitCode === null);
  const exits = children.map((child) => once(child, 'exit'));
  for (const child of children) child.kill();
  await Promise.all(exits);
}

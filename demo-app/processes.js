/** Scripts of this folder go in, processes come out that end together: with this one, and with the first that is needed. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const tracing = new URL('tracing.js', import.meta.url).href;
const atEnd = new Set();
let ending = false;

process.on('SIGINT', () => end()).on('SIGTERM', () => end());

export const isEnding = () => ending;

/** Forks a script; its first message says where it listens. `undefined` where that never comes: then everything ends. */
export async function start(name, env = {}) {
  if (ending) return undefined;
  const child = fork(fileURLToPath(new URL(`${name}.js`, import.meta.url)), {
    execArgv: ['--import', tracing],
    env: { ...process.env, ...env },
  });
  const stop = () => child.kill('SIGTERM');
  atEnd.add(stop);
  child.once('exit', () => atEnd.delete(stop));
  const first = await Promise.race([once(child, 'message'), once(child, 'exit')]);
  if (first[0]?.url) return { child, url: first[0].url };
  end(1);
  return undefined;
}

/** What else is to be stopped. */
export const stopAtEnd = (stop) => atEnd.add(stop);

export function end(code = 0) {
  if (ending) return;
  ending = true;
  // Zero by Ctrl-C: npm would report anything else as a failure.
  process.exitCode = code;
  for (const stop of atEnd) stop();
}

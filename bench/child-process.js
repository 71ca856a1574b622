/** Starts a process that is measured, and asks it: each variant runs in one of its own, so that none profits from another's. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** Starts the program at `url`; resolves when it has said that it is ready, with what it said. */
export async function start(url, ...args) {
  const path = fileURLToPath(url);
  const child = fork(path, args, { execArgv: ['--expose-gc'] });
  const exited = once(child, 'exit').then(([code]) => {
    throw new Error(`${path} ${args.join(' ')} ended with ${code}`);
  });
  exited.catch(() => {});
  const [hello] = await Promise.race([once(child, 'message'), exited]);
  return {
    ...hello,
    /** Sends a command; resolves with its answer. */
    async ask(command, argument) {
      const answer = once(child, 'message');
      child.send([command, argument]);
      return (await Promise.race([answer, exited]))[0];
    },
    stop: () => child.disconnect(),
    pid: child.pid,
    /** Ends it as a crash does. */
    async kill() {
      child.kill('SIGKILL');
      await exited.catch(() => {});
    },
  };
}

/** In the process itself: answers the commands of the one that started it, and ends with it. */
export function answer(hello, commands) {
  process.on('message', async ([command, argument]) => {
    process.send((await commands[command](argument)) ?? null);
  });
  process.on('disconnect', () => process.exit());
  process.send(hello);
}

/** CPU time of this process so far, in microseconds. */
export function cpu() {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** Its memory after a garbage collection, which no measure of CPU time asks for: a heap that was just emptied is small, and collected more often. */
export function memory() {
  global.gc();
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  return { heapUsed, external, arrayBuffers };
}

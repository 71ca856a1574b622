/** A program that prints `port N` goes in, its port and a way to stop it come out. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export async function start(program, args, cwd) {
  const child = spawn(program, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  let complaints = '';
  child.stderr.on('data', (chunk) => {
    complaints += chunk;
  });
  const exited = once(child, 'close').catch((error) => error);
  const stop = async () => {
    child.kill('SIGKILL');
    await exited;
  };
  for await (const line of createInterface(child.stdout)) {
    const port = /^port (\d+)$/.exec(line)?.[1];
    // What comes later is read and dropped.
    if (port !== undefined) {
      child.stdout.resume();
      return { port: Number(port), stop };
    }
  }
  await stop();
  throw new Error(complaints || `${program} ${args.join(' ')} ended`);
}

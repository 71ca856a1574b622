/** Debian's redis-server on a socket of its own; what it needs in the environment and a way to stop it come out. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export async function startRedis(folder) {
  // A socket, not a port: nothing else on this machine can have it.
  const socket = join(folder, 'redis.sock');
  const args = ['--port', '0', '--unixsocket', socket, '--save', '', '--appendonly', 'no'];
  const child = spawn('redis-server', args, { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
  const failed = once(child, 'error').then(([error]) => {
    throw error;
  });
  await Promise.race([ready(child), failed]);
  failed.catch(() => undefined);
  return {
    env: { REDIS_SOCKET: socket },
    async stop() {
      const exited = once(child, 'exit');
      child.kill();
      await exited;
    },
  };
}

async function ready(child) {
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.includes('eady to accept connections')) break;
  }
  child.stdout.resume();
}

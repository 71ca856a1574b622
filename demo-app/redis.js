/** Nothing goes in; a Redis of the demo's own comes out, with its socket and all it keeps in a directory that goes with it. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** @returns `{ socket, child, stop }`; `undefined` where there is no `redis-server` */
export async function startRedis() {
  const directory = mkdtempSync(join(tmpdir(), 'envelope-demo-'));
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  // Not a port: nothing else on this machine can have the socket.
  const socket = join(directory, 'redis.sock');
  const options = ['--port', '0', '--unixsocket', socket, '--dir', directory, '--save', ''];
  const child = spawn('redis-server', [...options, '--maxmemory-policy', 'noeviction'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    // Ctrl-C is for the processes that use it: it ends after them.
    detached: true,
  });
  if (!(await isReady(child))) return undefined;
  return { socket, child, stop: () => child.kill() };
}

function isReady(child) {
  return new Promise((resolve) => {
    child.once('error', () => resolve(false)).once('exit', () => resolve(false));
    let told = '';
    child.stdout.on('data', (text) => {
      told = (told + text).slice(-1000);
      if (told.includes('eady to accept connections')) resolve(true);
    });
  });
}

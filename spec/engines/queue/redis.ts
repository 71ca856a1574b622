/** A real Redis for specs: Debian's `redis-server` on a free port, with a directory of its own. Who starts it stops it. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';

export interface RedisServer {
  readonly connection: { readonly host: string; readonly port: number };
  /** A client of the spec's own. */
  readonly client: Redis;
  /** Stops the process where it is, and lets it go on. */
  pause(): void;
  goOn(): void;
  /** Ends the process, and starts it again on the same port. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/**
 * @param persistent - whether it has what it was told after a restart, too
 * @param settings - further ones, as the server's command line has them
 */
export async function startRedis(
  persistent = false,
  settings: readonly string[] = [],
): Promise<RedisServer> {
  if (spawnSync('redis-server', ['--version']).status !== 0) {
    throw new Error('This spec needs redis-server: apt-get install redis-server');
  }
  const directory = mkdtempSync(join(tmpdir(), 'redis-spec-'));
  const connection = { host: '127.0.0.1', port: await freePort() };
  const options = ['--bind', connection.host, '--port', String(connection.port)];
  options.push('--dir', directory, '--save', '', '--maxmemory-policy', 'noeviction', ...settings);
  if (persistent) options.push('--appendonly', 'yes', '--appendfsync', 'always');
  const client = new Redis({ ...connection, lazyConnect: true, maxRetriesPerRequest: null });
  client.on('error', () => {});
  let server: ChildProcess;

  const start = async () => {
    server = spawn('redis-server', options, { stdio: 'ignore' });
    await client.ping();
  };
  const end = async (signal: NodeJS.Signals) => {
    const exited = once(server, 'exit');
    server.kill(signal);
    await exited;
  };
  await start();
  return {
    connection,
    client,
    pause: () => void server.kill('SIGSTOP'),
    goOn: () => void server.kill('SIGCONT'),
    async restart() {
      await end('SIGKILL');
      await start();
    },
    async stop() {
      client.disconnect();
      await end('SIGKILL');
      rmSync(directory, { recursive: true });
    },
  };
}

/** An environment goes in, a daemon of our own comes out, which answers and does not outlive this process. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { accessSync, chmodSync, constants, realpathSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findPackage } from '../peer.js';
import { atMost } from '../waiting.js';
import { type Daemon, DIRECTORY_PREFIX, send } from './connect.js';

const POLL_MS = 15;
const STOP_MS = 1000;
/** A port found free may be taken by someone else before the daemon listens on it. */
const ATTEMPTS = 3;

/**
 * The shell leads a process group. Its standard input ends when this process does, however it dies, even by SIGKILL: then a
 * watchdog takes the directory and the whole group with it. SIGTERM is for the daemon; the shell waits for it.
 */
const WATCHDOG = `dir=$1; shift; exec 3<&0
(trap '' TERM; cat <&3 >/dev/null; kill -TERM 0; rm -rf -- "$dir"; kill -KILL 0) &
exec 3<&-; trap : TERM; "$@" </dev/null`;

/**
 * Starts a daemon.
 *
 * @param env - what is different from this process's environment
 * @param signal - gives up, with its reason
 */
export async function startDaemon(
  env: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<Daemon> {
  const binary = findBinary();
  const cwd = await mkdtemp(join(tmpdir(), DIRECTORY_PREFIX));
  const clean = () => rm(cwd, { recursive: true, force: true, maxRetries: 3 });
  try {
    for (let attempt = 1; ; attempt += 1) {
      const token = randomBytes(24).toString('hex');
      const url = `http://127.0.0.1:${await freePort()}`;
      const { stop, exited } = launch(binary, { cwd, url, token, env });
      try {
        await untilHealthy(url, token, exited, signal);
        return { url, token, cwd, stop, clean };
      } catch (error) {
        await stop();
        if (attempt === ATTEMPTS || !(error instanceof DaemonExit)) throw error;
      }
    }
  } catch (error) {
    await clean();
    throw error;
  }
}

interface Launch {
  readonly cwd: string;
  readonly url: string;
  readonly token: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

class DaemonExit extends Error {}

function launch(binary: string, { cwd, url, token, env }: Launch) {
  const { hostname, port } = new URL(url);
  // The daemon takes a token in no other way: it can be read in the list of processes while the run lasts.
  const daemon = [binary, 'server', '--host', hostname, '--port', port, '--token', token];
  const child = spawn('/bin/sh', ['-c', WATCHDOG, 'sh', cwd, ...daemon, '--no-telemetry'], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    // Without `SANDBOX_AGENT_REQUIRE_PREINSTALL`, the daemon downloads an agent it does not have, at the first request.
    env: { SANDBOX_AGENT_REQUIRE_PREINSTALL: '1', ...process.env, ...env },
  });
  child.stdin.on('error', () => {});
  const exited = once(child, 'exit').then(
    ([code, name]) => new DaemonExit(`The daemon has exited (${name ?? code})`),
    (error: Error) => error,
  );
  const kill = (name: NodeJS.Signals) => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, name);
    } catch {
      // The group is gone.
    }
  };
  const stop = async () => {
    kill('SIGTERM');
    await atMost(STOP_MS, exited);
    kill('SIGKILL');
    await exited;
    child.stdin.destroy();
  };
  return { stop, exited };
}

async function untilHealthy(
  url: string,
  token: string,
  exited: Promise<Error>,
  signal: AbortSignal,
): Promise<void> {
  let exit: Error | undefined;
  exited.then((error) => {
    exit = error;
  });
  for (;;) {
    signal.throwIfAborted();
    if (exit) throw exit;
    const headers = { authorization: `Bearer ${token}` };
    const healthy = await send(`${url}/v1/health`, { headers, signal }).then(
      async (response) => (await response.arrayBuffer()) && response.ok,
      () => false,
    );
    // Someone else may have answered, on a port that the daemon did not get.
    if (healthy && !exit) return;
    await atMost(POLL_MS, exited);
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** The SDK depends on `@sandbox-agent/cli`, which depends on the binary: each is looked for from its dependent, as pnpm needs. */
function findBinary(): string {
  const platform = `@sandbox-agent/cli-${process.platform}-${process.arch}`;
  let folder: string | undefined;
  for (const name of ['sandbox-agent', '@sandbox-agent/cli', platform]) {
    folder = findPackage(name, folder === undefined ? undefined : [realpathSync(folder)]);
    if (folder === undefined) throw new Error(`The package ${name} is not installed`);
  }
  const binary = join(String(folder), 'bin', 'sandbox-agent');
  try {
    accessSync(binary, constants.X_OK);
  } catch {
    // The package's install script sets the bit, and many installs run none.
    chmodSync(binary, 0o755);
  }
  return binary;
}

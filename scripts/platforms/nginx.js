/** Debian's nginx with gzip in front: unpacked, not installed, so that no service of the machine starts. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { workspace } from '../consumer.js';
import { compresses, connected } from './checks.js';
import { overHttp } from './clients.js';
import { start } from './process.js';

const UNPACKED = fileURLToPath(new URL('../../.cache/platforms/nginx', import.meta.url));

function findNginx() {
  return ['/usr/sbin/nginx', join(UNPACKED, 'usr/sbin/nginx')].find(existsSync);
}

/** Says why there is no nginx, where it cannot be had. */
function fetchNginx() {
  if (findNginx() !== undefined) return undefined;
  const making = `${UNPACKED}.making`;
  rmSync(making, { recursive: true, force: true });
  mkdirSync(making, { recursive: true });
  const run = (program, args) => execFileSync(program, args, { cwd: making, stdio: 'pipe' });
  try {
    run('apt-get', ['update', '-qq']);
    run('apt-get', ['download', '-qq', 'nginx']);
    const [archive] = readdirSync(making);
    run('dpkg-deb', ['-x', archive, '.']);
  } catch (error) {
    return `Debian's nginx cannot be had: ${
      String(error.stderr || error.message)
        .trim()
        .split('\n')[0]
    }`;
  }
  renameSync(making, UNPACKED);
  return undefined;
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** Nothing is set for streams: what they need, their replies say. */
const configuration = (folder, port, upstream) => `
daemon off;
master_process off;
pid ${folder}/pid;
error_log ${folder}/error.log;
events {}
http {
  access_log off;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/${name};`).join('\n  ')}
  gzip on;
  gzip_proxied any;
  gzip_types application/json application/x-ndjson application/problem+json text/event-stream;
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_http_version 1.1;
      proxy_pass http://127.0.0.1:${upstream};
    }
  }
}
`;

async function startNginx(upstream) {
  const folder = workspace();
  const port = await freePort();
  const file = join(folder, 'nginx.conf');
  writeFileSync(file, configuration(folder, port, upstream));
  const child = spawn(findNginx(), ['-p', folder, '-c', file, '-e', `${folder}/error.log`], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let complaints = '';
  child.stderr.on('data', (chunk) => {
    complaints += chunk;
  });
  const exited = once(child, 'close').catch((error) => error);
  while (!(await answers(port))) {
    if (child.exitCode !== null) throw new Error(complaints || 'nginx ended');
    await delay(20);
  }
  const stop = async () => {
    child.kill('SIGKILL');
    await exited;
  };
  return { port, stop };
}

async function answers(port) {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

export const nginx = [
  {
    title: 'nginx with gzip',
    checks: [...connected, compresses],
    lacks: fetchNginx,
    async start(folder) {
      const app = await start(process.execPath, ['plain.mjs', 'express'], folder);
      const proxy = await startNginx(app.port).catch(async (error) => {
        await app.stop();
        throw error;
      });
      const stop = async () => {
        await proxy.stop();
        await app.stop();
      };
      return { send: overHttp(`http://127.0.0.1:${proxy.port}`), stop };
    },
  },
];

/** The client's side: requests over kept connections, streams over raw sockets, which cost the client least. */
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { start } from './child-process.js';

const CONCURRENCY = 8;

/** Starts the server of a variant, with an agent for it. */
export async function startServer(variant, build, ...extra) {
  const server = await start(new URL('server.js', import.meta.url), variant, build, ...extra);
  const agent = new Agent({ keepAlive: true, maxSockets: CONCURRENCY });
  const stop = () => {
    agent.destroy();
    server.stop();
  };
  return { ...server, agent, stop };
}

/** Posts `body` and reads the reply; resolves with the milliseconds until the first byte of its body. */
export function post({ port, agent }, path, body) {
  return new Promise((resolve, reject) => {
    const headers = {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
    };
    const started = performance.now();
    let first;
    const req = request({ port, host: '127.0.0.1', path, method: 'POST', agent, headers });
    req.on('error', reject);
    req.on('response', (res) => {
      if (res.statusCode !== 200) reject(new Error(`${path}: status ${res.statusCode}`));
      res.on('data', () => {
        first ??= performance.now() - started;
      });
      res.on('end', () => resolve(first));
    });
    req.end(body);
  });
}

/** Posts `count` times, some at once; resolves with the server's CPU per request in microseconds. */
export async function cpuPerRequest(server, path, body, count) {
  let left = count;
  const worker = async () => {
    while (left-- > 0) await post(server, path, body);
  };
  const before = await server.ask('cpu');
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  return ((await server.ask('cpu')) - before) / count;
}

/** Opens a stream on a socket of its own; resolves when its first item is here. */
export async function openStream({ port }, path) {
  const socket = connect(port, '127.0.0.1');
  const body = '{"session_id":"conversation-0123456789","data":{"inputs":{}}}';
  socket.write(
    `POST ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${body.length}\r\n\r\n${body}`,
  );
  await once(socket, 'readable');
  return socket;
}

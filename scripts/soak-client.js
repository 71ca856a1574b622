/** The ways a request can be sent; each resolves with what was wrong with its replies, if anything. */
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import { faultsOf, strangersIn } from './soak-cases.js';

const HOST = '127.0.0.1';
const TIMEOUT_MS = 60_000;

const headersOf = ({ accept = '*/*', type = 'application/json', body }) => ({
  accept,
  'content-type': type,
  'content-length': Buffer.byteLength(body),
});

/** Clients for the two ports; `close()` lets go of every connection. */
export function createClients({ port, http2Port }) {
  const agent = new Agent({ keepAlive: true, maxSockets: 512 });
  const http2 = connectHttp2(`http://${HOST}:${http2Port}`);
  // Many streams at once on one session; each stream tells its own errors.
  http2.setMaxListeners(0);
  http2.on('error', () => {});
  return {
    ways: {
      send: async ([sent]) => [faultsOf(sent, await reply(open(sent)))],
      leave: ([sent]) => leave(sent, open(sent)),
      pipeline: (all) => pipeline(port, all),
      pipelineAndLeave: (all) => pipelineAndLeave(port, all),
      sendHttp2: async ([sent]) => [faultsOf(sent, await replyHttp2(openHttp2(sent)))],
      leaveHttp2: ([sent]) => leave(sent, openHttp2(sent)),
    },
    close() {
      agent.destroy();
      http2.destroy();
    },
  };

  function open(sent) {
    const headers = headersOf(sent);
    const { path, body } = sent;
    const req = request({ host: HOST, port, path, method: 'POST', agent, headers });
    req.setTimeout(TIMEOUT_MS, () => req.destroy(new Error(`${path}: no answer in time`)));
    return req.end(body);
  }

  function openHttp2(sent) {
    const { path, body } = sent;
    const stream = http2.request({ ':method': 'POST', ':path': path, ...headersOf(sent) });
    stream.setTimeout(TIMEOUT_MS, () => stream.destroy(new Error(`${path}: no answer in time`)));
    return stream.end(body);
  }
}

async function textOf(stream) {
  let text = '';
  for await (const chunk of stream.setEncoding('utf8')) text += chunk;
  return text;
}

async function reply(req) {
  const [res] = await once(req, 'response');
  const { statusCode: status, headers } = res;
  return { status, sessionId: headers['x-session-id'], text: await textOf(res) };
}

async function replyHttp2(stream) {
  const [headers] = await once(stream, 'response');
  const { ':status': status, 'x-session-id': sessionId } = headers;
  return { status, sessionId, text: await textOf(stream) };
}

/** Goes away: from a stream after its first bytes, else before the answer can be there. */
async function leave(sent, stream) {
  stream.on('error', () => {});
  let text = '';
  if (sent.path === '/stream') {
    const [res] = await once(stream, 'response');
    // Over HTTP/2 the response is its headers, and its body comes from the stream itself.
    const source = res instanceof Readable ? res : stream;
    source.on('error', () => {});
    const [chunk] = await once(source, 'data');
    text = String(chunk);
  } else {
    await setTimeout(1);
  }
  stream.destroy();
  return [strangersIn(sent, text)];
}

function requestText(sent, connection) {
  const headers = { host: HOST, connection, ...headersOf(sent) };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `POST ${sent.path} HTTP/1.1\r\n${lines.join('')}\r\n${sent.body}`;
}

/** Several requests in one write; the last one asks for the connection's end. */
async function pipeline(port, all) {
  const socket = connect(port, HOST);
  socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error('pipeline: no answer in time')));
  socket.write(
    all.map((sent, i) => requestText(sent, i < all.length - 1 ? 'keep-alive' : 'close')).join(''),
  );
  const replies = (await textOf(socket)).split(/HTTP\/1\.1 (?=\d{3} )/).slice(1);
  return all.map((sent, i) => {
    const text = replies[i] ?? '';
    const sessionId = /^x-session-id: (\S+)/im.exec(text)?.[1];
    return faultsOf(sent, { status: Number(text.slice(0, 3)), sessionId, text });
  });
}

async function pipelineAndLeave(port, all) {
  const socket = connect(port, HOST);
  socket.on('error', () => {});
  socket.write(all.map((sent) => requestText(sent, 'keep-alive')).join(''));
  const [chunk] = await once(socket, 'data');
  socket.destroy();
  return [strangersIn(all[0], String(chunk))];
}

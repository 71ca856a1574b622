/**
 * What the package costs, from one run: CPU per request of three variants, in interleaved rounds since timings drift with the
 * hour, and the memory that a client which stops reading its stream holds.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';

// Many short rounds: what disturbs the machine then falls on all variants alike.
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 120);
const REQUESTS = 300;
const CONCURRENCY = 8;
const NAMES = ['bare', 'hand-written', 'ours'];

const BODY = JSON.stringify({
  session_id: 'conversation-0123456789',
  data: {
    inputs: {
      messages: Array.from({ length: 6 }, (_, i) => ({
        role: i % 2 ? 'assistant' : 'user',
        content:
          'A sentence of a conversation, as long as sentences in conversations usually are. '.repeat(
            2,
          ),
      })),
    },
    parameters: { temperature: 0.2 },
  },
});

async function start(name) {
  const path = fileURLToPath(new URL('server.js', import.meta.url));
  const child = fork(path, [name], { execArgv: ['--expose-gc'] });
  const [{ port }] = await once(child, 'message');
  const agent = new Agent({ keepAlive: true, maxSockets: CONCURRENCY });
  return { name, child, port, agent, perRequest: [] };
}

async function usage({ child }) {
  const answer = once(child, 'message');
  child.send('usage');
  return (await answer)[0];
}

function post({ port, agent }) {
  return new Promise((resolve, reject) => {
    const headers = {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(BODY),
    };
    const req = request({
      port,
      host: '127.0.0.1',
      path: '/invoke',
      method: 'POST',
      agent,
      headers,
    });
    req.on('error', reject);
    req.on('response', (res) => {
      if (res.statusCode !== 200) reject(new Error(`status ${res.statusCode}`));
      res.resume().on('end', resolve);
    });
    req.end(BODY);
  });
}

async function round(server) {
  let left = REQUESTS;
  const worker = async () => {
    while (left-- > 0) await post(server);
  };
  const before = await usage(server);
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  const after = await usage(server);
  return (after.cpu - before.cpu) / REQUESTS;
}

const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];

/** The server's memory per client that sent its request, read one chunk and then stopped reading. */
async function stalledReader(server, clients = 50) {
  const stall = async () => {
    const socket = connect(server.port, '127.0.0.1');
    const head = `POST /stream HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`;
    socket.write(head);
    await once(socket, 'readable');
    return socket;
  };
  const settle = () => new Promise((resolve) => setTimeout(resolve, 1000));
  (await stall()).destroy();
  await settle();
  const before = await usage(server);
  const sockets = await Promise.all(Array.from({ length: clients }, stall));
  await settle();
  const after = await usage(server);
  for (const socket of sockets) socket.destroy();
  const grown = (name) => after[name] - before[name];
  // What waits in a socket is counted as one or the other, or as both.
  const bytes = grown('heapUsed') + Math.max(grown('external'), grown('arrayBuffers'));
  return bytes / clients / 1024;
}

const servers = await Promise.all(NAMES.map(start));
for (const server of servers) for (let i = 0; i < 15; i++) await round(server);
for (let i = 0; i < ROUNDS; i++) {
  // Every variant is first, second and last equally often.
  for (let j = 0; j < servers.length; j++) {
    const server = servers[(i + j) % servers.length];
    server.perRequest.push(await round(server));
  }
}

/** The median over the rounds of something that is computed within one round, where the machine is the same for all. */
const perRound = (compute) =>
  median(servers[0].perRequest.map((_, i) => compute(...servers.map((s) => s.perRequest[i]))));
const us = (value) => `${value.toFixed(1).padStart(7)} µs`;
const addedByHand = perRound((bare, hand) => hand - bare);
const addedByUs = perRound((bare, _hand, ours) => ours - bare);
const stalled = await stalledReader(servers[2]);

console.log(`CPU per request, median of ${ROUNDS} interleaved rounds of ${REQUESTS} requests,
HTTP instrumentation on, Node ${process.versions.node}
  bare express.json()           ${us(perRound((bare) => bare))}
  hand-written, ajv and context ${us(perRound((_, hand) => hand))}   adds ${us(addedByHand)}
  agentEnvelope() and bind()    ${us(perRound((_, _hand, ours) => ours))}   adds ${us(addedByUs)}
  ours / hand-written, in all   ${perRound((_, hand, ours) => ours / hand).toFixed(3)}   (goal: at most 1.03)
  ours / hand-written, added    ${(addedByUs / addedByHand).toFixed(2)}    (goal: at most 1.25)
A stalled stream reader holds   ${stalled.toFixed(1)} kB (goal: at most 64 kB)`);
for (const { child, agent } of servers) {
  agent.destroy();
  child.disconnect();
}

/**
 * One process of the queue: `node.js gateway OPTIONS` or `node.js worker OPTIONS`, with the options of `queue()` or `runWorker()` as
 * JSON. `node.js by-hand OPTIONS` writes events to Redis streams as one would without the package.
 */
import { setTimeout } from 'node:timers/promises';
import express from 'express';
import { agentEnvelope, bind, getSessionId, problemDetails } from 'express-agent-envelope';
import { run } from 'express-agent-envelope/engines';
import { queue, resumeRun, runWorker } from 'express-agent-envelope/engines/queue';
import { Redis } from 'ioredis';
import { answer, cpu } from '../../bench/child-process.js';

const [role, text] = process.argv.slice(2);
const options = JSON.parse(text);

/** What must never happen. */
const faults = [];
process.on('warning', ({ name, message }) => faults.push(`${role}: ${name}: ${message}`));
process.on('unhandledRejection', (error) => faults.push(`${role}: ${error?.stack ?? error}`));

let go;
/** Holds the runs back that ask for it. */
const mayGo = new Promise((resolve) => {
  go = resolve;
});
let opened = 0;

/** Says `count` times whose run it is, which process answers, and in which session; it rests `pauseMs` after every fifth. */
async function* answerTo({ tag, count, pauseMs, waits }) {
  if (waits) await mayGo;
  for (let i = 0; i < count; i++) {
    const told = { tag, i, pid: process.pid, seen: getSessionId() };
    yield { type: 'message.delta', delta: JSON.stringify(told) };
    if (pauseMs > 0 && i % 5 === 4) await setTimeout(pauseMs);
  }
  yield { type: 'run.end', stop_reason: 'stop' };
}

const engine = {
  name: 'soak',
  async open() {
    opened += 1;
    return {
      id: `engine-${process.pid}-${opened}`,
      prompt: ({ messages }) => answerTo(JSON.parse(messages.at(-1).content)),
      async close() {},
    };
  },
};

async function startGateway() {
  const { connection, name } = options;
  const runs = queue(options);
  const app = express();
  app.get('/runs/:runId', resumeRun({ connection, name }));
  app.use(agentEnvelope());
  app.post(
    '/run',
    bind(['inputs'], ({ inputs }, { signal }) =>
      run(runs, { messages: inputs.messages }, { signal }),
    ),
  );
  app.use(problemDetails({ onError: () => {} }));
  const server = app.listen(0, '127.0.0.1');
  // The default, 5 s, closes a connection under a request of a client that is held up.
  server.keepAliveTimeout = 600_000;
  await new Promise((done) => server.once('listening', done));
  return { port: server.address().port };
}

/** One XADD an event, each acknowledged before the next of its stream: as in the loop that reads an engine's events. */
async function writeByHand({ streams, count }) {
  const redis = new Redis(options.connection);
  const write = async (_, stream) => {
    for await (const event of answerTo({ tag: 'by-hand', count, pauseMs: 0 })) {
      await redis.xadd(`by-hand:${process.pid}:${stream}`, '*', 'e', JSON.stringify(event));
    }
  };
  await Promise.all(Array.from({ length: streams }, write));
  redis.disconnect();
}

const commands = {
  faults: () => faults,
  cpu,
  go: () => go(),
  write: writeByHand,
};
if (role === 'worker') runWorker(engine, options);
answer(role === 'gateway' ? await startGateway() : {}, commands);

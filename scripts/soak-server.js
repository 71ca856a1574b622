/** The server that is soaked: every kind of handler tells each id that it sees; the process tells what it still holds. */
import { randomUUID } from 'node:crypto';
import { createServer as createHttp2Server } from 'node:http2';
import { createRequire } from 'node:module';
import { setTimeout } from 'node:timers/promises';
import { trace } from '@opentelemetry/api';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import {
  agentEnvelope,
  bind,
  getSessionId,
  problemDetails,
  SessionSpanProcessor,
} from 'express-agent-envelope';
import { run } from 'express-agent-envelope/engines';
import { answer, memory } from '../bench/child-process.js';
import { speakHttp2 } from './soak-http2.js';

new NodeTracerProvider({ spanProcessors: [new SessionSpanProcessor()] }).register();
new HttpInstrumentation();
const tracer = trace.getTracer('soak');
const require = createRequire(import.meta.url);
const express = require('express');
const { createServer } = require('node:http');

/** What is open at this moment, and what must never happen. */
const held = { sources: 0, engines: 0 };
const faults = { warnings: [], unhandled: [], errors: {} };
process.on('warning', ({ name, message }) => faults.warnings.push(`${name}: ${message}`));
process.on('unhandledRejection', (error) => faults.unhandled.push(String(error?.stack ?? error)));

/** Tells the id of this place, once as a value and once as a span has it, in a form that is found in any reply. */
function seen(...more) {
  const span = tracer.startSpan('step');
  span.end();
  return `seen=${[...more, getSessionId(), span.attributes['session.id']].map(String)};`;
}

async function seenTwice(...more) {
  const now = seen(...more);
  await setTimeout(Math.random() * 4);
  return now + seen();
}

/** Yields without end when asked for no number of items. */
async function* items(count = Number.POSITIVE_INFINITY) {
  held.sources += 1;
  try {
    for (let i = 0; i < count; i++) {
      yield seen();
      if (i % 4 === 3) await setTimeout(1);
    }
  } finally {
    held.sources -= 1;
  }
}

const engine = {
  name: 'soak',
  async open() {
    held.engines += 1;
    return {
      id: randomUUID(),
      async *prompt({ messages }) {
        yield { type: 'message.delta', delta: messages[0].content };
        await setTimeout(1);
        yield { type: 'message.delta', delta: seen() };
        yield { type: 'run.end', stop_reason: 'stop' };
      },
      async close() {
        held.engines -= 1;
      },
    };
  },
};

const messages = (content) => [{ role: 'user', content }];
const inputs = {
  type: 'object',
  properties: { count: { type: 'integer' } },
  required: ['count'],
};

const router = express.Router();
router.use(agentEnvelope());
router.post('/plain', async (_req, res) => {
  res.json(await seenTwice(res.locals.session_id));
});
router.post(
  '/value',
  bind(['session_id'], ({ session_id }) => seenTwice(session_id)),
);
router.post(
  '/declared',
  bind({ inputs }, () => seenTwice()),
);
router.post(
  '/stream',
  bind(['count'], ({ count }) => items(count)),
);
router.post(
  '/run',
  bind(['text'], ({ text }, { signal }) => run(engine, { messages: messages(text) }, { signal })),
);
router.post(
  '/throws',
  bind([], async () => {
    await setTimeout(1);
    throw new Error('as asked');
  }),
);
router.use((error, _req, _res, next) => {
  const code = error.code ?? error.type ?? error.message;
  faults.errors[code] = (faults.errors[code] ?? 0) + 1;
  next(error);
});
router.use(problemDetails({ onError: () => {} }));

const app = express().use(router);
const http2App = speakHttp2(express(), express).use(router);
// The default, 5 s, closes a connection under a request of a client that is held up.
const server = createServer({ keepAliveTimeout: 600_000 }, app).listen(0, '127.0.0.1');
const http2Server = createHttp2Server(http2App).listen(0, '127.0.0.1');
await Promise.all(
  [server, http2Server].map((one) => new Promise((done) => one.once('listening', done))),
);

/** How many there are of each, in a fixed order. */
function tally(names) {
  const counts = {};
  for (const name of names.sort()) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

const countListeners = (emitter) =>
  emitter.eventNames().reduce((sum, name) => sum + emitter.listenerCount(name), 0);

answer(
  { port: server.address().port, http2Port: http2Server.address().port },
  {
    memory: () => memory().heapUsed,
    faults: () => faults,
    /** Everything that must be the same after the last client has gone as before the first came. */
    left: () => ({
      ...held,
      listeners: [process, server, http2Server].map(countListeners).join(),
      handles: JSON.stringify(tally(process.getActiveResourcesInfo())),
    }),
  },
);

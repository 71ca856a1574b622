/**
 * What an async generator yields goes out as it comes: as SSE or as lines of JSON, whichever the client accepts. A failure in
 * the middle is the last event; a client that leaves ends the generator.
 *
 *   npm run ready && node examples/streaming.js
 *   curl -N localhost:3000/count -H 'content-type: application/json' -H 'accept: text/event-stream' \
 *     -d '{"session_id":"conv-42","data":{"inputs":{"to":3}}}'
 */
import { setTimeout as delay } from 'node:timers/promises';
import express from 'express';
import { agentEnvelope, bind, getSessionId, problemDetails } from 'express-agent-envelope';

async function* count(to, signal) {
  for (let n = 1; n <= to; n += 1) {
    if (n === 13)
      throw Object.assign(new Error('Nobody counts to 13'), { status: 409, expose: true });
    yield { n, session: getSessionId() };
    await delay(50, undefined, { signal });
  }
}

const app = express();
app.use(agentEnvelope());
app.post(
  '/count',
  bind(['to'], ({ to }, { signal }) => count(to, signal)),
);
app.use(problemDetails());

const server = app.listen(process.env.PORT ?? 3000, '127.0.0.1');
server.on('listening', () => console.log(`http://127.0.0.1:${server.address().port}/count`));

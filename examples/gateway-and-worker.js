/**
 * A chat that outlives its page, its gateway and a reload: workers run the engine, Redis keeps the events, and `useChat({ resume: true })`
 * reads on. As often as you like, on any machine: `gateway-and-worker.js gateway`, `gateway-and-worker.js worker`; or both in one.
 *
 *   npm run ready && redis-server --daemonize yes
 *   node examples/gateway-and-worker.js
 *   curl -N localhost:3000/api/chat -H 'content-type: application/json' \
 *     -d '{"id":"chat-1","messages":[{"id":"1","role":"user","parts":[{"type":"text","text":"Hello"}]}]}'
 *   curl -iN localhost:3000/api/chat/chat-1/stream
 */
import express from 'express';
import { agentEnvelope, bind, problemDetails } from 'express-agent-envelope';
import { run } from 'express-agent-envelope/engines';
import { pi } from 'express-agent-envelope/engines/pi';
import { queue, resumeSession, runWorker } from 'express-agent-envelope/engines/queue';
import * as chat from 'express-agent-envelope/protocols/ui-message-stream';

const connection = { url: process.env.REDIS_URL ?? 'redis://127.0.0.1:6379' };
const role = process.argv[2] ?? 'both';
if (role !== 'gateway') {
  const worker = runWorker(pi({ model: 'faux' }), { connection });
  process.once('SIGTERM', () => worker.close().then(() => process.exit()));
}
if (role !== 'worker') {
  const engine = queue({ connection, onClientLeft: 'continue' });
  const answer = ({ inputs }, { signal }) => run(engine, { messages: inputs.messages }, { signal });
  const tell = bind(['inputs'], (bound, io) => chat.uiMessageStream(answer(bound, io)));
  // Here everybody may read everything: whose session it is your login knows.
  const sessions = { connection, authorize: () => true, reply: chat.uiMessageStream };

  const app = express();
  app.get('/api/chat/:sessionId/stream', resumeSession(sessions));
  app.post('/api/chat', chat.uiMessageRequest(), agentEnvelope(), tell);
  app.use(problemDetails());
  const server = app.listen(process.env.PORT ?? 3000, '127.0.0.1', () => {
    console.log(`http://127.0.0.1:${server.address().port}/`);
  });
}

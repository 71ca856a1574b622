/**
 * One agent for the front ends people have: the AI SDK's `useChat` on /api/chat, AG-UI's `HttpAgent` on /agent. Neither is changed.
 * Each client's own id of the conversation is the session.
 *
 *   node examples/chat-clients.js
 *   curl -N localhost:3000/api/chat -H 'content-type: application/json' \
 *     -d '{"id":"chat-1","messages":[{"id":"1","role":"user","parts":[{"type":"text","text":"Hello"}]}]}'
 */
import express from 'express';
import { agentEnvelope, bind, problemDetails } from 'express-agent-envelope';
import { run } from 'express-agent-envelope/engines';
import { pi } from 'express-agent-envelope/engines/pi';
import { agUiEvents, agUiRequest } from 'express-agent-envelope/protocols/ag-ui';
import {
  uiMessageRequest,
  uiMessageStream,
} from 'express-agent-envelope/protocols/ui-message-stream';

// Pi's own test model: no key, no network.
const engine = pi({ model: 'faux' });
const answer = ({ inputs }, { signal }) => run(engine, { messages: inputs.messages }, { signal });

const app = express();
app.post(
  '/api/chat',
  uiMessageRequest(),
  agentEnvelope(),
  bind(['inputs'], (bound, io) => uiMessageStream(answer(bound, io))),
);
app.post(
  '/agent',
  agUiRequest(),
  agentEnvelope(),
  bind(['inputs'], (bound, io) => agUiEvents(answer(bound, io))),
);
app.use(problemDetails());
const server = app.listen(process.env.PORT ?? 3000, '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${server.address().port}/`);
});

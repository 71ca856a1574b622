/**
 * An engine of your own. It never sees the platform's id: `run()` puts that onto the spans, the events and the result, and
 * takes the engine's own id where there is none. `Accept` decides between the result and its events.
 *
 *   npm run ready && node examples/own-engine.js
 *   curl -N localhost:3000/chat -H 'content-type: application/json' -H 'accept: text/event-stream' \
 *     -d '{"session_id":"conv-42","data":{"inputs":{"messages":[{"role":"user","content":"Hello"}]}}}'
 */
import express from 'express';
import { agentEnvelope, bind, problemDetails } from 'express-agent-envelope';
import { defineEngine, run } from 'express-agent-envelope/engines';

const parrot = defineEngine('parrot', async function* ({ messages }, signal) {
  const { content } = messages.at(-1);
  // Text, or a list of parts: images, say.
  const text = typeof content === 'string' ? content : JSON.stringify(content);
  if (text === '') throw new Error('Nothing to repeat');
  for (const delta of `You said: ${text}`.split(/(?= )/)) {
    signal.throwIfAborted();
    yield delta;
  }
});

const app = express();
app.use(agentEnvelope());
app.post(
  '/chat',
  bind(['messages'], ({ messages }, { signal }) => run(parrot, { messages }, { signal })),
);
app.use(problemDetails());
const server = app.listen(process.env.PORT ?? 3000, '127.0.0.1');
server.on('listening', () => console.log(`http://127.0.0.1:${server.address().port}/chat`));

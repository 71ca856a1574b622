/**
 * A real process with Pi, as it is installed in the working directory: one request is answered by Pi's own model for tests, by what it
 * was given; prints as JSON what came back, and the name and the id of each span.
 */
const { createRequire } = require('node:module');
const load = createRequire(`${process.cwd()}/`);

const { NodeTracerProvider } = load('@opentelemetry/sdk-trace-node');
const express = load('express');
const { agentEnvelope, bind, problemDetails, SessionSpanProcessor } =
  load('express-agent-envelope');
const { run } = load('express-agent-envelope/engines');
const { pi } = load('express-agent-envelope/engines/pi');

const spans = [];
const collector = {
  onStart() {},
  onEnd: (span) => spans.push([span.name, span.attributes['session.id'] ?? null]),
  forceFlush: async () => {},
  shutdown: async () => {},
};
new NodeTracerProvider({ spanProcessors: [new SessionSpanProcessor(), collector] }).register();

const PNG = 'iVBORw0KGgo=';
/** What the model is given of all that a run has. */
function respond(context) {
  const given = JSON.stringify(context);
  const has = (text) => given.includes(text);
  return JSON.stringify({
    instructions: has('Talk like a pirate.'),
    history: has('What was said before'),
    image: has(PNG),
    id: has('conv-1'),
  });
}
const messages = [
  { role: 'user', content: 'Ask' },
  { role: 'assistant', content: 'What was said before' },
  {
    role: 'user',
    content: [
      { type: 'text', text: 'Hello' },
      { type: 'image', media_type: 'image/png', data: PNG },
    ],
  },
];
const engine = pi({ model: 'faux', instructions: 'Talk like a pirate.', faux: { respond } });
const app = express();
app.use(agentEnvelope());
app.post(
  '/',
  bind(['inputs'], () => run(engine, { messages })),
);
app.use(problemDetails());
const server = app.listen(0, '127.0.0.1', async () => {
  const reply = await fetch(`http://127.0.0.1:${server.address().port}/`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ session_id: 'conv-1', data: { inputs: {} } }),
  });
  process.stdout.write(JSON.stringify({ status: reply.status, body: await reply.json(), spans }));
  server.close();
  server.closeAllConnections();
});

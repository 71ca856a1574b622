/**
 * A real process with Pi, as it is installed in the working directory: one request is answered by Pi's own model for tests; prints as
 * JSON what came back, and the name and the id of each span.
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

const engine = pi({ model: 'faux', faux: { respond: () => 'Hello from Pi' } });
const app = express();
app.use(agentEnvelope());
app.post(
  '/',
  bind(['inputs'], () => run(engine, { messages: [{ role: 'user', content: 'Hello' }] })),
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

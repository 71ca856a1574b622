/**
 * The server of every recipe: `app.mjs RECIPE`. UNPLUGGED=processor leaves out what stamps, UNPLUGGED=context the session itself; both
 * must show as faults. What it has to say goes as lines of JSON into the file OUT.
 */
import { appendFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { SpanKind, trace } from '@opentelemetry/api';
import express from 'express';
import {
  agentEnvelope,
  bind,
  problemDetails,
  SessionLogRecordProcessor,
  SessionSpanProcessor,
} from 'express-agent-envelope';

const { OUT, SESSION_ATTRIBUTES, UNPLUGGED } = process.env;
if (UNPLUGGED === 'processor') {
  for (const method of ['onStart', 'onEnding', 'onEnd'])
    SessionSpanProcessor.prototype[method] = () => {};
  SessionLogRecordProcessor.prototype.onEmit = () => {};
}
const recipe = await import(pathToFileURL(process.argv[2]));
const tracer = trace.getTracer('app');

/** One turn: a query of the app's own, and the answer, by the recipe or by a span as a library makes it. */
async function turn({ prompt, thread }) {
  const traceId = recipe.traceId?.() ?? trace.getActiveSpan()?.spanContext().traceId;
  appendFileSync(OUT, `${JSON.stringify({ request: prompt, traceId })}\n`);
  tracer
    .startSpan('SELECT orders', {
      kind: SpanKind.CLIENT,
      attributes: { 'db.system.name': 'postgresql' },
    })
    .end();
  return (recipe.answer ?? chat)(prompt, thread);
}

function chat(prompt) {
  const attributes = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'small' };
  return tracer.startActiveSpan(
    'chat small',
    { kind: SpanKind.CLIENT, attributes },
    async (span) => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      span.end();
      return `re: ${prompt}`;
    },
  );
}

const app = express();
if (UNPLUGGED === 'context') {
  app.post('/invoke', express.json(), async (req, res) => {
    res.json({ data: { outputs: await turn(req.body.inputs) } });
  });
} else {
  const sessionAttributes = SESSION_ATTRIBUTES && JSON.parse(SESSION_ATTRIBUTES);
  app.use(agentEnvelope({ sessionAttributes }));
  if (recipe.middleware) app.use(recipe.middleware);
  app.post('/invoke', bind(['prompt', 'thread'], turn));
}
app.use(problemDetails());

const server = app.listen(0, '127.0.0.1', () => console.log(`port ${server.address().port}`));
process.once('SIGTERM', async () => {
  server.close();
  server.closeAllConnections();
  await recipe.close?.();
  const provider = trace.getTracerProvider();
  await (provider.getDelegate?.() ?? provider).forceFlush?.();
  process.exit();
});

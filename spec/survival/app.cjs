/**
 * A real process with the real instrumentations: serves every kind of place where code may run in a request, calls them all
 * with interleaved sessions, and prints as JSON what `getSessionId()` said there and which attributes the spans carry.
 * Packages are resolved from the working directory, so one file serves every combination of versions.
 */
const { createRequire } = require('node:module');
const { setTimeout: delay } = require('node:timers/promises');
const load = createRequire(`${process.cwd()}/`);

const { context, trace } = load('@opentelemetry/api');
const { registerInstrumentations } = load('@opentelemetry/instrumentation');
const { ExpressInstrumentation } = load('@opentelemetry/instrumentation-express');
const { HttpInstrumentation } = load('@opentelemetry/instrumentation-http');
// Before the instrumentations, as a tracing set-up does: this must not load Express or node:http unpatched.
const { SessionSpanProcessor } = load('express-agent-envelope');

const finished = [];
const collector = {
  onStart() {},
  onEnd: (span) => finished.push(span),
  forceFlush: async () => {},
  shutdown: async () => {},
};
const spanProcessors = [new SessionSpanProcessor(), collector];
if (process.argv[2] === 'sdk3') {
  const { AsyncLocalStorageContextManager } = load('@opentelemetry/context-async-hooks');
  const { TracerProvider } = load('@opentelemetry/sdk-trace');
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors }));
} else {
  const { NodeTracerProvider } = load('@opentelemetry/sdk-trace-node');
  new NodeTracerProvider({ spanProcessors }).register();
}
registerInstrumentations({
  instrumentations: [new HttpInstrumentation(), new ExpressInstrumentation()],
});

const express = load('express');
const { agentEnvelope, bind, getSessionId, problemDetails } = load('express-agent-envelope');

const observations = [];
/** Notes the session here, and makes a child span that the processor must stamp: one of AI, which only its end shows. */
function observe(place, expected) {
  observations.push({ place, expected, seen: getSessionId() ?? null });
  const span = trace.getTracer('survival').startSpan(`work ${place} ${expected}`);
  span.setAttribute('gen_ai.operation.name', 'chat');
  span.setAttribute('session.id', 'of a library');
  span.end();
}

/** Two requests wait for each other, so that their sessions interleave in every round. */
function meetingPoint() {
  let arrived = () => {};
  const first = new Promise((resolve) => {
    arrived = resolve;
  });
  let visitors = 0;
  return () => {
    visitors += 1;
    if (visitors === 2) arrived();
    return first;
  };
}
const meet = meetingPoint();

const app = express();
app.use(express.json());
app.use(agentEnvelope());

app.post('/plain', async (req, res, next) => {
  const expected = req.body.session_id;
  try {
    observe('plain handler', expected);
    await meet();
    observe('after await', expected);
    setTimeout(() => {
      observe('timer', expected);
      res.json({});
    }, 1);
  } catch (error) {
    next(error);
  }
});

const router = express.Router();
router.post('/handler', (req, res) => {
  observe('nested router', req.body.session_id);
  res.json({});
});
app.use('/nested', router);

app.post(
  '/bound',
  bind(['session_id'], async ({ session_id }) => {
    observe('bound handler', session_id);
    await delay(1);
    observe('bound handler after await', session_id);
    return {};
  }),
);

app.post(
  '/stream',
  bind(['session_id'], async function* ({ session_id }) {
    observe('stream start', session_id);
    yield 1;
    await delay(1);
    observe('stream later', session_id);
    yield 2;
  }),
);

app.post('/pipe', (req, res) => {
  const { Readable } = require('node:stream');
  const expected = req.body.session_id;
  const readable = Readable.from(
    (async function* () {
      yield 'a';
      await delay(1);
      observe('readable', expected);
      yield 'b';
    })(),
  );
  readable.on('end', () => observe('readable end', expected));
  readable.pipe(res);
});

app.post('/throw', (req) => {
  observe('before throw', req.body.session_id);
  throw new Error('expected');
});

app.post('/invalid', (_req, res) => res.json({}));

app.use((error, req, _res, next) => {
  observe('error handler', req.body.session_id);
  next(error);
});
app.use(problemDetails());

async function main() {
  const server = app.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const url = `http://127.0.0.1:${server.address().port}`;
  const post = async (path, body) => {
    const response = await fetch(url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', connection: 'close' },
      body: JSON.stringify(body),
    });
    await response.text();
    return { path, status: response.status, header: response.headers.get('x-session-id') };
  };
  const replies = [];
  // `/plain` only answers when both of its requests are under way.
  replies.push(
    ...(await Promise.all(['s-1', 's-2'].map((session_id) => post('/plain', { session_id })))),
  );
  for (const path of ['/nested/handler', '/bound', '/stream', '/pipe', '/throw']) {
    const sessions = [`${path.slice(1, 4)}-1`, `${path.slice(1, 4)}-2`];
    replies.push(...(await Promise.all(sessions.map((session_id) => post(path, { session_id })))));
  }
  replies.push(await post('/invalid', { session_id: 'inv-1', inputs: 7 }));
  await new Promise((resolve) => server.close(resolve));
  const spans = finished.map((span) => ({
    name: span.name,
    // SpanKind.SERVER
    server: span.kind === 1,
    trace: span.spanContext().traceId,
    attributes: span.attributes,
  }));
  process.stdout.write(JSON.stringify({ observations, replies, spans }));
}

main();

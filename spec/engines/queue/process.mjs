/**
 * A gateway or a worker as a real process: `process.mjs gateway PORT [OPTIONS]` or `process.mjs worker PORT [OPTIONS]`, with the port of
 * Redis, or its socket, and options as JSON. Prints its own port; `GET /state` of a worker tells its runs that are open and what its engine saw, of each what it failed with.
 */
import { InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import express from 'express';
import { agentEnvelope, bind, problemDetails, SessionSpanProcessor } from 'express-agent-envelope';
import { run } from 'express-agent-envelope/engines';
import { queue, resumeRun, resumeSession, runWorker } from 'express-agent-envelope/engines/queue';
import { agUiEvents } from 'express-agent-envelope/protocols/ag-ui';
import {
  uiMessageRequest,
  uiMessageStream,
} from 'express-agent-envelope/protocols/ui-message-stream';

const exporter = new InMemorySpanExporter();
new NodeTracerProvider({
  spanProcessors: [new SessionSpanProcessor(), new SimpleSpanProcessor(exporter)],
}).register();

const [role, port, options = '{}'] = process.argv.slice(2);
const connection = /^\d+$/.test(port) ? { host: '127.0.0.1', port: Number(port) } : { path: port };
const { authorize, ...others } = JSON.parse(options);
const place = { connection, prefix: others.prefix };
const state = { open: 0, aborted: 0, requests: [], errors: [] };
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** What runs wait for that hold: `POST /go`. */
const held = [];
const textOf = (content) => (typeof content === 'string' ? content : content[0].text);

/** Behaves as the last message says. */
const scripted = {
  name: 'scripted',
  async open(request, signal) {
    state.open += 1;
    state.requests.push(request);
    signal.addEventListener('abort', () => {
      state.aborted += 1;
    });
    return {
      id: `engine-${process.pid}-${state.requests.length}`,
      async *prompt({ messages }) {
        const [what, count = '0', ms = '0'] = textOf(messages.at(-1).content).split(' ');
        if (what === 'hang') await new Promise(() => {});
        if (what === 'poison') process.kill(process.pid, 'SIGKILL');
        if (what === 'fail') throw new Error('private reason');
        if (what === 'hold-and-approved') {
          yield { type: 'tool.result', id: 'c0', output: 'done', is_error: false };
        }
        for (let i = 0; i < Number(count); i += 1) {
          yield { type: 'message.delta', delta: `${i} ` };
          if (ms !== '0') await pause(Number(ms));
        }
        if (what.startsWith('hold')) await new Promise((go) => held.push(go));
        if (what === 'hold-and-fail') throw new Error('private reason');
        if (what === 'hold-and-call') {
          yield { type: 'tool.call', id: 'c1', name: 'look', arguments: { at: 'x' } };
          yield { type: 'tool.result', id: 'c1', output: 'seen', is_error: false };
        }
        if (what.startsWith('hold')) yield { type: 'message.delta', delta: 'the end' };
        if (what === 'stall') await new Promise(() => {});
        yield { type: 'run.end', stop_reason: 'stop' };
      },
      async close() {
        state.open -= 1;
      },
    };
  },
};

const app = express();
app.get('/state', (_req, res) => res.json(state));
app.get('/spans', (_req, res) => {
  const spans = exporter.getFinishedSpans();
  res.json(
    spans.map(({ name, attributes, spanContext, parentSpanContext }, i) => ({
      name,
      id: attributes['session.id'],
      span: spanContext.call(spans[i]).spanId,
      trace: spanContext.call(spans[i]).traceId,
      parent: parentSpanContext?.spanId,
    })),
  );
});
app.post('/go', (_req, res) => {
  for (const go of held.splice(0)) go();
  res.end();
});
if (role === 'worker') {
  const worker = runWorker(scripted, { connection, ...others });
  process.once('SIGTERM', () => worker.close().then(() => process.exit(0)));
} else {
  const engine = queue({ connection, ...others });
  const may = authorize && ((sessionId) => sessionId === authorize);
  app.get('/runs/:runId', resumeRun({ ...place, authorize: may }));
  const sessions = { ...place, authorize: may ?? (() => true) };
  app.get('/sessions/:sessionId', resumeSession(sessions));
  app.get('/api/chat/:sessionId/stream', resumeSession({ ...sessions, reply: uiMessageStream }));
  app.get('/agent/:sessionId', resumeSession({ ...sessions, reply: agUiEvents }));
  app.get('/nothing', resumeSession(sessions));
  const answer = ({ inputs }, { signal }) => run(engine, { messages: inputs.messages }, { signal });
  app.use(uiMessageRequest(), agentEnvelope());
  app.post('/run', bind(['inputs'], answer));
  app.post(
    '/api/chat',
    bind(['inputs'], (bound, io) => uiMessageStream(answer(bound, io))),
  );
}
app.use(problemDetails({ onError: ({ message }) => state.errors.push(message) }));
const server = app.listen(0, '127.0.0.1', () => process.stdout.write(`${server.address().port}\n`));

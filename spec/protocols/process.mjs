/**
 * A gateway or a runner as a real process with real tracing: `process.mjs runner` or `process.mjs gateway RUNNER_URL`. The runner
 * runs Pi with its test model, and is an app for both clients by itself. Prints its port; `GET /spans` tells what has finished.
 */
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { agentEnvelope, bind, problemDetails, SessionSpanProcessor } from 'express-agent-envelope';
import { run } from 'express-agent-envelope/engines';
import { pi } from 'express-agent-envelope/engines/pi';
import { remote } from 'express-agent-envelope/engines/remote';
import { agUiEvents, agUiRequest } from 'express-agent-envelope/protocols/ag-ui';
import {
  uiMessageRequest,
  uiMessageStream,
} from 'express-agent-envelope/protocols/ui-message-stream';

const exporter = new InMemorySpanExporter();
new NodeTracerProvider({
  spanProcessors: [new SessionSpanProcessor(), new SimpleSpanProcessor(exporter)],
}).register();
registerInstrumentations({
  instrumentations: [
    new HttpInstrumentation({ ignoreIncomingRequestHook: ({ method }) => method === 'GET' }),
  ],
});
const { default: express } = await import('express');

const [role, runnerUrl] = process.argv.slice(2);
const engine = role === 'runner' ? pi({ model: 'faux' }) : remote({ url: `${runnerUrl}/run` });
const running = ({ inputs }, { signal }) => run(engine, { messages: inputs.messages }, { signal });

const app = express();
app.get('/spans', (_req, res) => {
  res.json(
    exporter.getFinishedSpans().map(({ name, attributes }) => [name, attributes['session.id']]),
  );
});
app.post('/run', agentEnvelope(), bind(['inputs'], running));
app.post(
  '/api/chat',
  uiMessageRequest(),
  agentEnvelope(),
  bind(['inputs'], (bound, io) => uiMessageStream(running(bound, io))),
);
app.post(
  '/agent',
  agUiRequest(),
  agentEnvelope(),
  bind(['inputs'], (bound, io) => agUiEvents(running(bound, io))),
);
app.use(problemDetails());
const server = app.listen(0, '127.0.0.1', () => process.stdout.write(`${server.address().port}\n`));

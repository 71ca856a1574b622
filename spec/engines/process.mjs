/**
 * A gateway or a runner as a real process with real tracing: `process.mjs runner` or `process.mjs gateway RUNNER_URL`.
 * Prints its port; `GET /spans` tells the spans that have finished, `GET /open` how many runs are open.
 */
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { agentEnvelope, bind, problemDetails, SessionSpanProcessor } from 'express-agent-envelope';
import { run } from 'express-agent-envelope/engines';
import { remote } from 'express-agent-envelope/engines/remote';

const exporter = new InMemorySpanExporter();
new NodeTracerProvider({
  spanProcessors: [new SessionSpanProcessor(), new SimpleSpanProcessor(exporter)],
}).register();
registerInstrumentations({ instrumentations: [new HttpInstrumentation()] });
const { default: express } = await import('express');

const [role, runnerUrl] = process.argv.slice(2);
let open = 0;

/** Behaves as the last message says. */
const scripted = {
  name: 'scripted',
  accepts: ['image', 'tool.call', 'tool.result', 'tool.approval'],
  async open() {
    open += 1;
    return {
      id: `engine-${process.pid}-${open}`,
      async *prompt({ messages }) {
        const { content } = messages.at(-1);
        const text = typeof content === 'string' ? content : JSON.stringify(content);
        yield { type: 'message.delta', delta: `${messages.length}: ${text}` };
        if (text === 'exit') setTimeout(() => process.exit(1), 20);
        if (text === 'fail') throw new Error('private reason');
        if (text === 'stall' || text === 'exit') await new Promise(() => {});
        yield { type: 'usage', input_tokens: 1, output_tokens: 2 };
      },
      async close() {
        open -= 1;
      },
    };
  },
};

const app = express();
app.get('/spans', (_req, res) => {
  const spans = exporter.getFinishedSpans().map((span) => ({
    name: span.name,
    span: span.spanContext().spanId,
    trace: span.spanContext().traceId,
    parent: span.parentSpanContext?.spanId,
    attributes: span.attributes,
  }));
  res.json(spans);
});
app.get('/open', (_req, res) => res.json(open));
app.use(agentEnvelope());
app.post('/refuse', (_req, res) => res.status(500).json({ private: 'reason' }));
app.post('/silent', () => {});
app.post('/other', (_req, res) => res.send('not events'));
app.post(
  '/run',
  bind(['inputs', 'parameters'], ({ inputs, parameters }, { signal }) => {
    const engine =
      role === 'runner'
        ? scripted
        : remote({ url: runnerUrl + (parameters.path ?? '/run'), timeoutMs: 1000 });
    return run(engine, { messages: inputs.messages }, { signal });
  }),
);
app.use(problemDetails());
const server = app.listen(0, '127.0.0.1', () => process.stdout.write(`${server.address().port}\n`));

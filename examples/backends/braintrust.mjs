// tracing.mjs: node --import ./tracing.mjs app.mjs, with BRAINTRUST_API_KEY set
import { BraintrustSpanProcessor } from '@braintrust/otel';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { SessionSpanProcessor } from 'express-agent-envelope';

const braintrust = new BraintrustSpanProcessor({
  parent: 'project_name:my-agent',
  filterAISpans: true,
});
const provider = new NodeTracerProvider({
  spanProcessors: [new SessionSpanProcessor(), braintrust],
});
provider.register();
registerInstrumentations({ instrumentations: [new HttpInstrumentation()] });
process.once('beforeExit', () => provider.shutdown().catch(console.error));

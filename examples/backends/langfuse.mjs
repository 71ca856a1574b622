// tracing.mjs: node --import ./tracing.mjs app.mjs, with LANGFUSE_PUBLIC_KEY, LANGFUSE_SECRET_KEY and LANGFUSE_BASE_URL set
import { LangfuseSpanProcessor } from '@langfuse/otel';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { SessionSpanProcessor } from 'express-agent-envelope';

const provider = new NodeTracerProvider({
  spanProcessors: [new SessionSpanProcessor(), new LangfuseSpanProcessor()],
});
provider.register();
registerInstrumentations({ instrumentations: [new HttpInstrumentation()] });
process.once('beforeExit', () => provider.shutdown().catch(console.error));

// tracing.mjs: node --import ./tracing.mjs app.mjs, with POSTHOG_API_KEY and POSTHOG_HOST set
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { PostHogSpanProcessor } from '@posthog/ai/otel';
import { SessionSpanProcessor } from 'express-agent-envelope';

const { POSTHOG_API_KEY: projectToken, POSTHOG_HOST: host } = process.env;
const provider = new NodeTracerProvider({
  spanProcessors: [new SessionSpanProcessor(), new PostHogSpanProcessor({ projectToken, host })],
});
provider.register();
registerInstrumentations({ instrumentations: [new HttpInstrumentation()] });
process.once('beforeExit', () => provider.shutdown().catch(console.error));

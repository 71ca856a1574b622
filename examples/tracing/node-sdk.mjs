// tracing.mjs: node --import ./tracing.mjs app.mjs
import { register } from 'node:module';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { ExpressInstrumentation } from '@opentelemetry/instrumentation-express';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { BatchSpanProcessor } from '@opentelemetry/sdk-trace';
import { SessionSpanProcessor } from 'express-agent-envelope';

// ES modules are patched by this hook. Only what is instrumented: it rewrites every module it is given.
register('@opentelemetry/instrumentation/hook.mjs', import.meta.url, {
  data: { include: ['express', 'http', 'node:http'] },
});

const sdk = new NodeSDK({
  serviceName: process.env.OTEL_SERVICE_NAME ?? 'my-agent',
  // They replace `traceExporter` and OTEL_TRACES_EXPORTER: name the one that exports, too, or nothing is exported.
  spanProcessors: [
    new SessionSpanProcessor(),
    new BatchSpanProcessor({ exporter: new OTLPTraceExporter() }),
  ],
  instrumentations: [new HttpInstrumentation(), new ExpressInstrumentation()],
});
sdk.start();
process.once('beforeExit', () => sdk.shutdown().catch(console.error));

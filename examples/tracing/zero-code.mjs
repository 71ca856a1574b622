// tracing.mjs: node --import ./tracing.mjs app.mjs, in place of --import @opentelemetry/auto-instrumentations-node/register
import { register } from 'node:module';
import { getNodeAutoInstrumentations } from '@opentelemetry/auto-instrumentations-node';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { BatchSpanProcessor } from '@opentelemetry/sdk-trace';
import { SessionSpanProcessor } from 'express-agent-envelope';

// For an app of ES modules; --require, and a CommonJS app, do without.
register('@opentelemetry/instrumentation/hook.mjs', import.meta.url);

// OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES, OTEL_TRACES_SAMPLER and OTEL_EXPORTER_OTLP_ENDPOINT mean what they meant.
const sdk = new NodeSDK({
  spanProcessors: [
    new SessionSpanProcessor(),
    new BatchSpanProcessor({ exporter: new OTLPTraceExporter() }),
  ],
  instrumentations: [getNodeAutoInstrumentations()],
});
sdk.start();
process.once('beforeExit', () => sdk.shutdown().catch(console.error));

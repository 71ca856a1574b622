/** The development dependencies that `npm run demo` needs: what its processes import, and what builds the package. */
export const demoPackages = [
  '@agentclientprotocol/sdk',
  '@earendil-works/pi-ai',
  '@earendil-works/pi-coding-agent',
  '@opentelemetry/api',
  '@opentelemetry/exporter-trace-otlp-http',
  '@opentelemetry/instrumentation',
  '@opentelemetry/instrumentation-express',
  '@opentelemetry/instrumentation-http',
  '@opentelemetry/resources',
  '@opentelemetry/sdk-trace-base',
  '@opentelemetry/sdk-trace-node',
  'express',
  'sandbox-agent',
  'tsdown',
  'typebox',
];

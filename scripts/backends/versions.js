/** What the recipes are run on, exactly: a change of the outcome is then a change of ours. What goes together is one installation. */

export const SDK = {
  '@opentelemetry/api': '1.9.1',
  '@opentelemetry/instrumentation': '0.223.0',
  '@opentelemetry/instrumentation-express': '0.71.1',
  '@opentelemetry/instrumentation-http': '0.223.0',
  '@opentelemetry/sdk-trace-base': '2.12.1',
  '@opentelemetry/sdk-trace-node': '2.12.0',
  express: '5.3.0',
};

export const TOGETHER = {
  ...SDK,
  '@anthropic-ai/sdk': '0.80.0',
  '@arizeai/openinference-core': '2.7.1',
  '@arizeai/openinference-instrumentation-langchain': '4.1.1',
  '@arizeai/openinference-instrumentation-openai': '4.2.7',
  '@braintrust/otel': '1.0.1',
  '@langchain/core': '1.4.0',
  '@langchain/langgraph': '1.7.3',
  '@langchain/openai': '1.6.0',
  '@langfuse/otel': '5.11.1',
  '@langfuse/tracing': '5.11.1',
  '@opentelemetry/core': '2.12.1',
  '@opentelemetry/exporter-trace-otlp-http': '0.223.1',
  '@opentelemetry/sdk-logs': '0.223.1',
  '@traceloop/instrumentation-anthropic': '0.27.0',
  braintrust: '3.35.0',
  bullmq: '6.7.0',
  ioredis: '5.9.2',
  openai: '6.48.0',
  pino: '10.4.0',
  winston: '3.19.0',
};

/** Each by itself: their peers, or their copies of one package, do not go with the others'. */
export const ALONE = {
  adk: { ...SDK, '@google/adk': '2.0.0' },
  aiSdk5: { ...SDK, ai: '5.0.277', '@ai-sdk/openai': '2.0.131' },
  aiSdk6: { ...SDK, ai: '6.0.326', '@ai-sdk/openai': '3.0.141' },
  aiSdk7: { ...SDK, ai: '7.0.173', '@ai-sdk/openai': '4.0.118', '@ai-sdk/otel': '1.0.173' },
  auto20: {
    '@opentelemetry/api': '1.9.1',
    '@opentelemetry/auto-instrumentations-node': '0.81.2',
    '@opentelemetry/core': '2.12.1',
    express: '5.3.0',
  },
  auto22: {
    '@opentelemetry/api': '1.10.0',
    '@opentelemetry/auto-instrumentations-node': '0.82.0',
    '@opentelemetry/core': '3.1.1',
    express: '5.3.0',
  },
  datadog: {
    'dd-trace': '5.132.0',
    '@opentelemetry/api': '1.9.1',
    express: '5.3.0',
    openai: '6.48.0',
  },
  bullmqOtel: { ...SDK, bullmq: '6.7.0', 'bullmq-otel': '2.0.1', ioredis: '5.9.2' },
  edot: {
    '@elastic/opentelemetry-node': '1.18.0',
    '@opentelemetry/api': '1.9.1',
    express: '5.3.0',
  },
  logs3: { '@opentelemetry/api': '1.10.0', '@opentelemetry/sdk-logs': '3.1.1', express: '5.3.0' },
  mastra: {
    ...SDK,
    '@ai-sdk/openai': '3.0.141',
    '@mastra/core': '1.71.0',
    '@mastra/observability': '1.17.9',
    '@mastra/otel-bridge': '1.5.4',
    zod: '4.6.7',
  },
  newRelic: {
    newrelic: '13.20.0',
    '@opentelemetry/api': '1.9.1',
    express: '5.3.0',
    openai: '6.48.0',
  },
  openaiAgents: {
    ...SDK,
    '@arizeai/openinference-instrumentation-openai-agents': '0.2.15',
    '@openai/agents': '0.20.0',
  },
  posthog: {
    ...SDK,
    '@opentelemetry/core': '2.12.1',
    '@opentelemetry/exporter-trace-otlp-http': '0.223.1',
    '@posthog/ai': '8.13.1',
    'posthog-node': '5.70.0',
  },
  sentry10: { ...SDK, '@sentry/node': '10.78.0' },
  sentry11: { ...SDK, '@sentry/node': '11.12.0' },
  traceloop: {
    ...SDK,
    '@opentelemetry/exporter-trace-otlp-proto': '0.203.0',
    '@opentelemetry/resources': '2.12.1',
    '@traceloop/node-server-sdk': '0.27.0',
    openai: '6.48.0',
  },
};

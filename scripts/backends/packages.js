/** The recipes of examples/: what each needs, exactly, so that a change of the outcome is a change of ours; how it is started. */

import { startRedis } from './redis.js';

const SDK = {
  '@opentelemetry/api': '1.9.1',
  '@opentelemetry/instrumentation': '0.223.0',
  '@opentelemetry/instrumentation-express': '0.71.1',
  '@opentelemetry/instrumentation-http': '0.223.0',
  '@opentelemetry/sdk-trace-base': '2.12.1',
  '@opentelemetry/sdk-trace-node': '2.12.0',
  express: '5.3.0',
};
const EXPORTER = {
  '@opentelemetry/core': '2.12.1',
  '@opentelemetry/exporter-trace-otlp-http': '0.223.1',
};

/** The models' addresses and keys, by the names that the SDKs read. */
const models = (url) => ({
  ANTHROPIC_API_KEY: 'none',
  ANTHROPIC_BASE_URL: url,
  GOOGLE_API_KEY: 'none',
  GOOGLE_GEMINI_BASE_URL: url,
  OPENAI_API_KEY: 'none',
  OPENAI_BASE_URL: `${url}/v1`,
  OPENAI_AGENTS_DISABLE_TRACING: '0',
});

const library = (title, file, dependencies, rest = {}) => ({
  title,
  folder: 'libraries',
  file,
  dependencies: { ...SDK, ...dependencies },
  args: ['--import', './tracing.mjs'],
  env: models,
  ...rest,
});
/** `export`: how many of six requests' spans its filter lets through. */
const backend = (title, file, dependencies, env, rest = {}) => ({
  title,
  folder: 'backends',
  file,
  dependencies: { ...SDK, ...dependencies },
  args: ['--import', `./${file}`],
  // A backend's recipe is no module with an answer: the app makes the spans.
  recipe: './no-answer.mjs',
  env: (modelUrl, url) => ({ ...models(modelUrl), ...env(url) }),
  ...rest,
});

const LANGFUSE = { '@langfuse/otel': '5.11.1', ...EXPORTER };
const langfuse = (url) => ({
  LANGFUSE_BASE_URL: url,
  LANGFUSE_PUBLIC_KEY: 'pk-lf-none',
  LANGFUSE_SECRET_KEY: 'sk-lf-none',
});
const OPENINFERENCE = '@arizeai/openinference-instrumentation';
const OPENAI = { openai: '6.48.0', [`${OPENINFERENCE}-openai`]: '4.2.7' };
const LANGCHAIN = {
  '@langchain/core': '1.4.0',
  '@langchain/openai': '1.6.0',
  [`${OPENINFERENCE}-langchain`]: '4.1.1',
};
const TRACELOOP = {
  '@opentelemetry/exporter-trace-otlp-proto': '0.203.0',
  '@opentelemetry/resources': '2.12.1',
  '@traceloop/node-server-sdk': '0.27.0',
  openai: '6.48.0',
};
const traceloop = (url) => ({
  TRACELOOP_BASE_URL: url,
  TRACELOOP_API_KEY: 'none',
  TRACELOOP_TELEMETRY: 'false',
});
const sentry = (url) => ({ SENTRY_DSN: `${url.replace('//', '//none@')}/1` });
/** What writes log lines has no processor to leave out. */
const lines = (count) => ({ lines: count, unplugged: ['context'] });

/** A zero-code set-up and `./register`, in either order of the flags. */
const zeroCode = (title, register, dependencies) => {
  const flags = [register, 'express-agent-envelope/register'];
  const entry = (order, names) => ({
    title: `${title}, ${order}`,
    dependencies: { express: '5.3.0', ...dependencies },
    args: names.flatMap((name) => ['--import', name]),
    recipe: './no-answer.mjs',
    env: (_models, url) => ({
      OTEL_EXPORTER_OTLP_ENDPOINT: url,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
      OTEL_LOGS_EXPORTER: 'none',
      OTEL_METRICS_EXPORTER: 'none',
      OTEL_NODE_RESOURCE_DETECTORS: 'none',
    }),
  });
  return [entry('ours last', flags), entry('ours first', [...flags].reverse())];
};

export const packages = [
  backend('Langfuse', 'langfuse.mjs', LANGFUSE, langfuse, { only: 6 }),
  backend('Langfuse, before ours', 'langfuse.mjs', LANGFUSE, langfuse, { only: 6, swapped: true }),
  library(
    'Langfuse propagateAttributes',
    'langfuse-session.mjs',
    { '@langfuse/tracing': '5.11.1' },
    { foreign: true },
  ),
  backend(
    'Braintrust',
    'braintrust.mjs',
    { braintrust: '3.35.0', '@braintrust/otel': '1.0.1', ...EXPORTER },
    (url) => ({ BRAINTRUST_API_URL: url, BRAINTRUST_API_KEY: 'none' }),
  ),
  backend(
    'PostHog',
    'posthog.mjs',
    { '@posthog/ai': '8.13.1', 'posthog-node': '5.70.0', ...EXPORTER },
    (url) => ({ POSTHOG_HOST: url, POSTHOG_API_KEY: 'phc_none' }),
  ),
  backend('Sentry 10', 'sentry-10.mjs', { '@sentry/node': '10.78.0' }, sentry),
  backend('Sentry 11', 'sentry-11.mjs', { '@sentry/node': '11.12.0' }, sentry, {
    ids: ['gen_ai.conversation.id'],
    recipe: './sentry-app.mjs',
    unplugged: ['context'],
  }),
  backend('Traceloop', 'traceloop.mjs', TRACELOOP, traceloop),
  library('Traceloop withConversation', 'traceloop-conversation.mjs', TRACELOOP, {
    args: ['--import', './traceloop.mjs'],
    env: (modelUrl, url) => ({ ...models(modelUrl), ...traceloop(url) }),
    foreign: true,
  }),
  ...zeroCode(
    'auto-instrumentations-node 0.81',
    '@opentelemetry/auto-instrumentations-node/register',
    {
      '@opentelemetry/api': '1.9.1',
      '@opentelemetry/core': '2.12.1',
      '@opentelemetry/auto-instrumentations-node': '0.81.2',
    },
  ),
  ...zeroCode(
    'auto-instrumentations-node 0.82',
    '@opentelemetry/auto-instrumentations-node/register',
    {
      '@opentelemetry/api': '1.10.0',
      '@opentelemetry/core': '3.1.1',
      '@opentelemetry/auto-instrumentations-node': '0.82.0',
    },
  ),
  ...zeroCode('Elastic EDOT', '@elastic/opentelemetry-node', {
    '@opentelemetry/api': '1.9.1',
    '@elastic/opentelemetry-node': '1.18.0',
  }),
  library('OpenAI SDK, chat as a stream', 'openai-chat.mjs', OPENAI),
  library('OpenAI SDK, responses', 'openai-responses.mjs', OPENAI),
  library(
    'OpenInference setSession',
    'openinference-session.mjs',
    { '@arizeai/openinference-core': '2.7.1', ...OPENAI },
    { foreign: true },
  ),
  library('AI SDK 5', 'ai-sdk.mjs', { ai: '5.0.277', '@ai-sdk/openai': '2.0.131' }),
  library('AI SDK 6', 'ai-sdk.mjs', { ai: '6.0.326', '@ai-sdk/openai': '3.0.141' }),
  library('AI SDK 7', 'ai-sdk-7.mjs', {
    ai: '7.0.173',
    '@ai-sdk/openai': '4.0.118',
    '@ai-sdk/otel': '1.0.173',
  }),
  library('Anthropic SDK', 'anthropic.mjs', {
    '@anthropic-ai/sdk': '0.80.0',
    '@traceloop/instrumentation-anthropic': '0.27.0',
  }),
  library('LangChain', 'langchain.mjs', LANGCHAIN),
  library('LangGraph', 'langgraph.mjs', { '@langchain/langgraph': '1.7.3', ...LANGCHAIN }),
  library('OpenAI Agents SDK', 'openai-agents.mjs', {
    '@openai/agents': '0.20.0',
    [`${OPENINFERENCE}-openai-agents`]: '0.2.15',
  }),
  library(
    'Mastra',
    'mastra.mjs',
    {
      '@ai-sdk/openai': '3.0.141',
      '@mastra/core': '1.71.0',
      '@mastra/observability': '1.17.9',
      '@mastra/otel-bridge': '1.5.4',
      zod: '4.6.7',
    },
    { foreign: true },
  ),
  library('Google ADK', 'adk.mjs', { '@google/adk': '2.0.0' }, { foreign: true }),
  library('pino', 'pino.mjs', { pino: '10.4.0' }, lines(12)),
  library('winston', 'winston.mjs', { winston: '3.19.0' }, lines(12)),
  library(
    'OpenTelemetry logs',
    'otel-logs.mjs',
    { '@opentelemetry/sdk-logs': '0.223.1' },
    { lines: 12 },
  ),
  library(
    'BullMQ',
    'bullmq.mjs',
    { bullmq: '6.7.0', ioredis: '5.8.2' },
    {
      ...lines(6),
      service: startRedis,
    },
  ),
  library('worker_threads', 'worker-threads.mjs', {}, lines(6)),
];

/** What could not be had, and why: said by each run. */
export const unavailable = {};

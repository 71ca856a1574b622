/** The recipes of examples/: what each needs, exactly, so that a change of the outcome is a change of ours; how it is started. */

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
  recipe: './chat.mjs',
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
/** What writes log lines has no processor to leave out. */
const lines = (count) => ({ lines: count, unplugged: ['context'] });

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
  backend('Traceloop', 'traceloop.mjs', TRACELOOP, traceloop, { recipe: './openai-plain.mjs' }),
  library('Traceloop withConversation', 'traceloop-conversation.mjs', TRACELOOP, {
    args: ['--import', './traceloop.mjs'],
    env: (modelUrl, url) => ({ ...models(modelUrl), ...traceloop(url) }),
    foreign: true,
  }),
  library('OpenAI SDK, chat as a stream', 'openai-chat.mjs', OPENAI),
  library('OpenAI SDK, responses', 'openai-responses.mjs', OPENAI),
  library(
    'OpenInference setSession',
    'openinference-session.mjs',
    { '@arizeai/openinference-core': '2.7.1', ...OPENAI },
    { foreign: true },
  ),
  library('AI SDK 5', 'ai-sdk.mjs', { ai: '^5.0.0', '@ai-sdk/openai': '^2.0.0' }),
  library('AI SDK 6', 'ai-sdk.mjs', { ai: '^6.0.0', '@ai-sdk/openai': '^3.0.0' }),
  library('AI SDK 7', 'ai-sdk-7.mjs', {
    ai: '7.0.173',
    '@ai-sdk/openai': '4.0.118',
    '@ai-sdk/otel': '1.0.173',
  }),
  library('Anthropic SDK', 'anthropic.mjs', {
    '@anthropic-ai/sdk': '1.13.0',
    '@traceloop/instrumentation-anthropic': '*',
  }),
  library('LangChain', 'langchain.mjs', LANGCHAIN),
  library('LangGraph', 'langgraph.mjs', { '@langchain/langgraph': '1.7.3', ...LANGCHAIN }),
  library('OpenAI Agents SDK', 'openai-agents.mjs', {
    '@openai/agents': '0.20.0',
    [`${OPENINFERENCE}-openai-agents`]: '*',
  }),
  library('pino', 'pino.mjs', { pino: '10.4.0' }, lines(12)),
  library('winston', 'winston.mjs', { winston: '3.19.0' }, lines(12)),
  library(
    'OpenTelemetry logs',
    'otel-logs.mjs',
    { '@opentelemetry/sdk-logs': '0.223.1' },
    { lines: 12 },
  ),
  library('worker_threads', 'worker-threads.mjs', {}, lines(6)),
];

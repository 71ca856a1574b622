/**
 * The recipes of examples/backends and examples/libraries: how each is started, and what is expected of it. `only`: so many spans are
 * exported of six requests. `foreign`: the library has an id of its own, which is kept. `lines`: so many are printed. `ids`: the
 * attributes to look at. `unplugged`: what can be taken away.
 */
import { startRedis } from './redis.js';
import { ALONE, TOGETHER } from './versions.js';

/** The models' addresses and keys, by the names that the SDKs read. */
const models = (url) => ({
  ANTHROPIC_API_KEY: 'none',
  ANTHROPIC_BASE_URL: url,
  GOOGLE_API_KEY: 'none',
  GOOGLE_GEMINI_BASE_URL: url,
  OPENAI_API_KEY: 'none',
  OPENAI_BASE_URL: `${url}/v1`,
});
/** The backends' addresses and keys. */
const backends = (url) => ({
  BRAINTRUST_API_KEY: 'none',
  BRAINTRUST_API_URL: url,
  LANGFUSE_BASE_URL: url,
  LANGFUSE_PUBLIC_KEY: 'pk-lf-none',
  LANGFUSE_SECRET_KEY: 'sk-lf-none',
  POSTHOG_API_KEY: 'phc_none',
  POSTHOG_HOST: url,
  SENTRY_DSN: `${url.replace('//', '//none@')}/1`,
  TRACELOOP_API_KEY: 'none',
  TRACELOOP_BASE_URL: url,
  TRACELOOP_TELEMETRY: 'false',
});
const otlp = (url) => ({
  OTEL_EXPORTER_OTLP_ENDPOINT: url,
  OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
  OTEL_LOGS_EXPORTER: 'none',
  OTEL_METRICS_EXPORTER: 'none',
  OTEL_NODE_RESOURCE_DETECTORS: 'none',
});

/** The recipe answers, on our tracing. */
const library = (title, file, { dependencies = TOGETHER, ...rest } = {}) => ({
  title,
  file,
  dependencies,
  recipe: `./${file}`,
  args: ['--import', './tracing.mjs'],
  env: (modelUrl, url) => ({ ...models(modelUrl), ...backends(url) }),
  ...rest,
});

/** The recipe is the tracing; the app makes the spans. */
const backend = (title, file, rest = {}) =>
  library(title, file, { args: ['--import', `./${file}`], recipe: './no-answer.mjs', ...rest });

/** A zero-code set-up with `./register`, in either order of the flags. */
const zeroCode = (title, register, dependencies) => {
  const flags = [register, 'express-agent-envelope/register'];
  return [flags, flags.toReversed()].map((names) => ({
    title: `${title}, ours ${names === flags ? 'last' : 'first'}`,
    dependencies,
    args: names.flatMap((name) => ['--import', name]),
    recipe: './no-answer.mjs',
    env: (_modelUrl, url) => otlp(url),
  }));
};

/** What writes lines has no processor to leave out. */
const printed = (lines) => ({ lines, unplugged: ['context'] });
const AUTO = '@opentelemetry/auto-instrumentations-node/register';

export const packages = [
  backend('Langfuse', 'langfuse.mjs', { only: 6 }),
  backend('Langfuse, before ours', 'langfuse.mjs', { only: 6, swapped: true }),
  backend('Braintrust', 'braintrust.mjs', { only: 6 }),
  backend('PostHog', 'posthog.mjs', { only: 6, dependencies: ALONE.posthog }),
  backend('Sentry 10', 'sentry-10.mjs', {
    dependencies: ALONE.sentry10,
    recipe: './sentry-flush.mjs',
  }),
  backend('Sentry 11', 'sentry-11.mjs', {
    dependencies: ALONE.sentry11,
    ids: ['gen_ai.conversation.id'],
    recipe: './sentry-app.mjs',
    unplugged: ['context'],
  }),
  backend('Traceloop', 'traceloop.mjs', { dependencies: ALONE.traceloop }),
  ...zeroCode('auto-instrumentations-node 0.81', AUTO, ALONE.auto20),
  ...zeroCode('auto-instrumentations-node 0.82', AUTO, ALONE.auto22),
  ...zeroCode('Elastic EDOT', '@elastic/opentelemetry-node', ALONE.edot),
  library('Langfuse propagateAttributes', 'langfuse-session.mjs', { foreign: true }),
  library('OpenInference setSession', 'openinference-session.mjs', { foreign: true }),
  library('Traceloop withConversation', 'traceloop-conversation.mjs', {
    args: ['--import', './traceloop.mjs'],
    dependencies: ALONE.traceloop,
    foreign: true,
  }),
  library('AI SDK 5', 'ai-sdk.mjs', { dependencies: ALONE.aiSdk5 }),
  library('AI SDK 6', 'ai-sdk.mjs', { dependencies: ALONE.aiSdk6 }),
  library('AI SDK 7', 'ai-sdk-7.mjs', { dependencies: ALONE.aiSdk7 }),
  library('OpenAI SDK, chat as a stream', 'openai-chat.mjs'),
  library('OpenAI SDK, responses', 'openai-responses.mjs'),
  library('Anthropic SDK', 'anthropic.mjs'),
  library('LangChain', 'langchain.mjs'),
  library('LangGraph', 'langgraph.mjs'),
  library('OpenAI Agents SDK', 'openai-agents.mjs', { dependencies: ALONE.openaiAgents }),
  library('Mastra', 'mastra.mjs', { dependencies: ALONE.mastra, foreign: true }),
  library('Google ADK', 'adk.mjs', { dependencies: ALONE.adk, foreign: true }),
  library('pino', 'pino.mjs', printed(12)),
  library('winston', 'winston.mjs', printed(12)),
  library('OpenTelemetry logs', 'otel-logs.mjs', { lines: 12 }),
  library('BullMQ', 'bullmq.mjs', { ...printed(6), service: startRedis }),
  library('bullmq-otel with queue()', 'bullmq-otel.mjs', {
    dependencies: ALONE.bullmqOtel,
    only: 72,
    service: startRedis,
  }),
  library('worker_threads', 'worker-threads.mjs', printed(6)),
];

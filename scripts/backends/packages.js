/**
 * The recipes of examples/backends and examples/libraries: how each is started, and what is expected of it. `layers`: Express has
 * spans, too. `only`: so many spans are exported of six requests. `foreign`: the library has an id of its own, which is kept. `lines`: so many are printed. `ids`: the
 * attributes to look at. `root`: the span that Langfuse takes for the root of the app. `sessionAttributes`: as of agentEnvelope().
 * `unplugged`: what can be taken away. `shown`: what its page has after the lines that install it; `also`: what the app needs besides.
 */
import { startNewRelic } from './new-relic.js';
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
/** Its tracer can send OTLP in place of its agent's own protocol. */
const datadog = (url) => ({
  DD_INSTRUMENTATION_TELEMETRY_ENABLED: 'false',
  DD_LLMOBS_AGENTLESS_ENABLED: 'false',
  DD_LLMOBS_ENABLED: 'true',
  DD_LLMOBS_ML_APP: 'my-agent',
  DD_REMOTE_CONFIGURATION_ENABLED: 'false',
  DD_TRACE_AGENT_URL: url,
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${url}/v1/traces`,
  OTEL_TRACES_EXPORTER: 'otlp',
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
  shown: file,
  dependencies,
  recipe: `./${file}`,
  args: ['--import', './tracing.mjs'],
  env: (modelUrl, url) => ({ ...models(modelUrl), ...backends(url) }),
  ...rest,
});

/** The recipe is the tracing; the app makes the spans. */
const backend = (title, file, rest = {}) =>
  library(title, file, { args: ['--import', `./${file}`], recipe: './no-answer.mjs', ...rest });

/** It exports spans of AI: of six requests with layers of Express, one SQL statement and one call of a model each, six. */
const ofAi = (title, file, rest) => backend(title, file, { layers: true, only: 6, ...rest });

/** A zero-code set-up with `./register`, in either order of the flags. */
const zeroCode = (title, register, dependencies, rest) => {
  const flags = [register, 'express-agent-envelope/register'];
  return [flags, flags.toReversed()].map((names) => ({
    title: `${title}, ours ${names === flags ? 'last' : 'first'}`,
    dependencies,
    args: names.flatMap((name) => ['--import', name]),
    recipe: './no-answer.mjs',
    env: (_modelUrl, url) => otlp(url),
    ...rest,
  }));
};

/** What writes lines has no processor to leave out. */
const printed = (lines) => ({ lines, unplugged: ['context'] });
/** What the app of a backend calls models with. */
const MODELS = [['openai@6']];
const AUTO = '@opentelemetry/auto-instrumentations-node/register';

export const packages = [
  ofAi('Langfuse', 'langfuse.mjs', { root: 'chat small' }),
  ofAi('Langfuse, before ours', 'langfuse.mjs', { root: 'chat small', swapped: true }),
  // run() writes the id onto its spans by itself.
  ofAi('Langfuse, an engine', 'langfuse.mjs', {
    only: 12,
    recipe: './engine-app.mjs',
    root: 'invoke_agent parrot',
    unplugged: ['context'],
  }),
  ofAi('Braintrust', 'braintrust.mjs'),
  ofAi('PostHog', 'posthog.mjs', {
    dependencies: ALONE.posthog,
    ids: ['session.id', 'gen_ai.conversation.id', '$ai_session_id'],
    sessionAttributes: ['otel', 'genai', 'posthog'],
  }),
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
  backend('Datadog', 'datadog.mjs', {
    also: MODELS,
    dependencies: ALONE.datadog,
    env: (modelUrl, url) => ({ ...models(modelUrl), ...datadog(url) }),
    ids: ['session.id'],
    recipe: './datadog-app.mjs',
    unplugged: ['context'],
  }),
  backend('New Relic', 'new-relic.mjs', {
    also: MODELS,
    dependencies: ALONE.newRelic,
    ids: ['llm.conversation_id'],
    recipe: './new-relic-app.mjs',
    service: startNewRelic,
    unplugged: ['context'],
  }),
  backend("New Relic's OpenTelemetry bridge", 'new-relic.mjs', {
    args: ['--import', './new-relic.mjs', '--import', 'express-agent-envelope/register'],
    dependencies: ALONE.newRelic,
    env: (modelUrl) => ({ ...models(modelUrl), NEW_RELIC_OPENTELEMETRY_ENABLED: 'true' }),
    ids: ['session.id'],
    recipe: './new-relic-app.mjs',
    service: (folder) => startNewRelic(folder, ['span_event_data']),
  }),
  backend('Traceloop', 'traceloop.mjs', { dependencies: ALONE.traceloop }),
  ...zeroCode('auto-instrumentations-node 0.81', AUTO, ALONE.auto20),
  ...zeroCode('auto-instrumentations-node 0.82', AUTO, ALONE.auto22),
  ...zeroCode('Elastic EDOT', '@elastic/opentelemetry-node', ALONE.edot, {
    shown: '--import @elastic/opentelemetry-node',
  }),
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
  library('OpenAI SDK, responses as a stream', 'openai-responses-stream.mjs'),
  library('Anthropic SDK', 'anthropic.mjs'),
  library('Anthropic SDK, as a stream', 'anthropic-stream.mjs'),
  library('LangChain', 'langchain.mjs'),
  library('LangChain, as a stream', 'langchain-stream.mjs'),
  library('LangGraph', 'langgraph.mjs'),
  library('OpenAI Agents SDK', 'openai-agents.mjs', { dependencies: ALONE.openaiAgents }),
  library('Mastra', 'mastra.mjs', { dependencies: ALONE.mastra, foreign: true }),
  library('Google ADK', 'adk.mjs', { dependencies: ALONE.adk, foreign: true }),
  library('pino', 'pino.mjs', printed(12)),
  library('winston', 'winston.mjs', printed(12)),
  library('OpenTelemetry logs', 'otel-logs.mjs', { lines: 12 }),
  library('OpenTelemetry logs, SDK 3', 'otel-logs.mjs', {
    args: [],
    dependencies: ALONE.logs3,
    lines: 12,
  }),
  library('BullMQ', 'bullmq.mjs', { ...printed(6), service: startRedis }),
  library('bullmq-otel with queue()', 'bullmq-otel.mjs', {
    dependencies: ALONE.bullmqOtel,
    only: 72,
    service: startRedis,
  }),
  library('worker_threads', 'worker-threads.mjs', printed(6)),
];

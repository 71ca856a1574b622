// Mastra with a thread of its own: the platform's id stays on the spans, the thread's is kept beside it.
import { openai } from '@ai-sdk/openai';
import { Mastra } from '@mastra/core';
import { Agent } from '@mastra/core/agent';
import { Observability } from '@mastra/observability';
import { OtelBridge } from '@mastra/otel-bridge';

const model = openai.chat('small');
const assistant = new Agent({ id: 'assistant', name: 'assistant', instructions: 'Answer.', model });
const mastra = new Mastra({
  agents: { assistant },
  logger: false,
  observability: new Observability({
    configs: { default: { serviceName: 'my-agent', bridge: new OtelBridge() } },
  }),
});

export async function answer(prompt, thread) {
  const memory = { thread, resource: 'user-1' };
  const { text } = await mastra.getAgent('assistant').generate(prompt, { memory });
  return text;
}

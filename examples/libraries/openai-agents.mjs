// The OpenAI Agents SDK; OpenInference makes its spans.
import { OpenAIAgentsInstrumentation } from '@arizeai/openinference-instrumentation-openai-agents';
import * as agents from '@openai/agents';

new OpenAIAgentsInstrumentation().manuallyInstrument(agents);
const agent = new agents.Agent({ name: 'assistant', model: 'small' });

export async function answer(prompt) {
  const { finalOutput } = await agents.run(agent, prompt);
  return finalOutput;
}

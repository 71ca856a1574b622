// Datadog's LLM Observability: a span of the agent with the session's id; those of the model's client under it get it from there.
import tracer from 'dd-trace';
import { getSessionId } from 'express-agent-envelope';
import OpenAI from 'openai';

const openai = new OpenAI();

export function answer(prompt) {
  const agent = { kind: 'agent', name: 'assistant', sessionId: getSessionId() };
  return tracer.llmobs.trace(agent, async () => {
    const messages = [{ role: 'user', content: prompt }];
    const { choices } = await openai.chat.completions.create({ model: 'small', messages });
    return choices[0].message.content;
  });
}

// Code that sets a session of its own by OpenInference: the platform's id stays on the spans, the other is kept beside it.
import { setSession } from '@arizeai/openinference-core';
import { OpenAIInstrumentation } from '@arizeai/openinference-instrumentation-openai';
import { context } from '@opentelemetry/api';
import OpenAI from 'openai';

new OpenAIInstrumentation().manuallyInstrument(OpenAI);
const openai = new OpenAI();

export function answer(prompt, thread) {
  return context.with(setSession(context.active(), { sessionId: thread }), async () => {
    const messages = [{ role: 'user', content: prompt }];
    const { choices } = await openai.chat.completions.create({ model: 'small', messages });
    return choices[0].message.content;
  });
}

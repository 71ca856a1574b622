// The OpenAI SDK, chat completions as a stream; OpenInference makes its spans.
import { OpenAIInstrumentation } from '@arizeai/openinference-instrumentation-openai';
import OpenAI from 'openai';

new OpenAIInstrumentation().manuallyInstrument(OpenAI);
const openai = new OpenAI();

export async function answer(prompt) {
  const messages = [{ role: 'user', content: prompt }];
  const stream = await openai.chat.completions.create({ model: 'small', messages, stream: true });
  let text = '';
  for await (const { choices } of stream) text += choices[0]?.delta.content ?? '';
  return text;
}

// The OpenAI SDK, responses as a stream; OpenInference makes its spans.
import { OpenAIInstrumentation } from '@arizeai/openinference-instrumentation-openai';
import OpenAI from 'openai';

new OpenAIInstrumentation().manuallyInstrument(OpenAI);
const openai = new OpenAI();

export async function answer(input) {
  const stream = await openai.responses.create({ model: 'small', input, stream: true });
  let text = '';
  for await (const event of stream) {
    if (event.type === 'response.output_text.delta') text += event.delta;
  }
  return text;
}

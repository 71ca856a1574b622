// The OpenAI SDK, responses; OpenInference makes its spans.
import { OpenAIInstrumentation } from '@arizeai/openinference-instrumentation-openai';
import OpenAI from 'openai';

new OpenAIInstrumentation().manuallyInstrument(OpenAI);
const openai = new OpenAI();

export async function answer(prompt) {
  const { output_text } = await openai.responses.create({ model: 'small', input: prompt });
  return output_text;
}

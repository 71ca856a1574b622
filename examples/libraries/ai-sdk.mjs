// The AI SDK 5 and 6.
import { openai } from '@ai-sdk/openai';
import { streamText } from 'ai';

export async function answer(prompt) {
  const { text } = streamText({
    model: openai.chat('small'),
    prompt,
    experimental_telemetry: { isEnabled: true },
  });
  return await text;
}

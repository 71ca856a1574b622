// The AI SDK 7: its spans come from @ai-sdk/otel.

import { openai } from '@ai-sdk/openai';
import { OpenTelemetry } from '@ai-sdk/otel';
import { registerTelemetry, streamText } from 'ai';

registerTelemetry(new OpenTelemetry());

export async function answer(prompt) {
  const { text } = streamText({ model: openai.chat('small'), prompt });
  return await text;
}

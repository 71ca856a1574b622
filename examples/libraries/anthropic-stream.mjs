// The Anthropic SDK, a message as a stream; Traceloop's instrumentation makes its spans.
import * as anthropic from '@anthropic-ai/sdk';
import { AnthropicInstrumentation } from '@traceloop/instrumentation-anthropic';

new AnthropicInstrumentation().manuallyInstrument(anthropic);
const client = new anthropic.Anthropic();

export async function answer(content) {
  const messages = [{ role: 'user', content }];
  const stream = client.messages.stream({ model: 'small', max_tokens: 64, messages });
  return await stream.finalText();
}

// Code that sets a conversation of its own by Traceloop: the platform's id stays on the spans, the other is kept beside it.
import { withConversation } from '@traceloop/node-server-sdk';
import OpenAI from 'openai';

const openai = new OpenAI();

export function answer(prompt, thread) {
  return withConversation(thread, async () => {
    const messages = [{ role: 'user', content: prompt }];
    const { choices } = await openai.chat.completions.create({ model: 'small', messages });
    return choices[0].message.content;
  });
}

// Google's ADK with a session of its own: the platform's id stays on the spans, ADK's is kept beside it.
import { InMemoryRunner, LlmAgent } from '@google/adk';

const agent = new LlmAgent({ name: 'assistant', model: 'gemini-2.5-flash' });
const runner = new InMemoryRunner({ agent, appName: 'my-agent' });
const user = { appName: 'my-agent', userId: 'user-1' };

export async function answer(prompt, thread) {
  const known = await runner.sessionService.getSession({ ...user, sessionId: thread });
  if (!known) await runner.sessionService.createSession({ ...user, sessionId: thread });
  const newMessage = { role: 'user', parts: [{ text: prompt }] };
  let text = '';
  for await (const event of runner.runAsync({ ...user, sessionId: thread, newMessage })) {
    text += event.content?.parts?.map((part) => part.text).join('') ?? '';
  }
  return text;
}

// One turn of an AG-UI agent: the text as it comes; the agent keeps the conversation.
import { HttpAgent } from '@ag-ui/client';

export const agentOf = (url, threadId) => new HttpAgent({ url, threadId });

export async function ask(agent, content, onText) {
  agent.addMessage({ id: crypto.randomUUID(), role: 'user', content });
  await agent.runAgent({}, { onTextMessageContentEvent: ({ event }) => onText(event.delta) });
  return agent.messages.at(-1);
}

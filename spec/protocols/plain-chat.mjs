/** The AI SDK's own chat, with whichever `ai` is installed beside it, and a plain state in place of React's. */
import { AbstractChat, DefaultChatTransport } from 'ai';

class Chat extends AbstractChat {}

export function chatOf(api, id) {
  const state = {
    status: 'ready',
    error: undefined,
    messages: [],
    pushMessage(message) {
      state.messages = [...state.messages, message];
    },
    popMessage() {
      state.messages = state.messages.slice(0, -1);
    },
    replaceMessage(index, message) {
      state.messages = state.messages.with(index, structuredClone(message));
    },
    snapshot: (value) => structuredClone(value),
  };
  return new Chat({ id, state, transport: new DefaultChatTransport({ api }) });
}

/** What a message says, and under which id. */
export const told = ({ parts, metadata }) => [
  parts.map(({ text = '' }) => text).join(''),
  metadata?.sessionId ?? null,
];

/** Three turns of the AI SDK's own chat: `three-turns.mjs API ID`, with whichever `ai` is installed beside it. Prints the texts. */
import { AbstractChat, DefaultChatTransport } from 'ai';

const [api, id] = process.argv.slice(2);
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
class Chat extends AbstractChat {}
const chat = new Chat({ id, state, transport: new DefaultChatTransport({ api }) });
for (const text of ['one', 'two', 'three']) {
  await chat.sendMessage({ text });
  if (chat.error) throw chat.error;
}
const textOf = ({ parts }) => parts.map(({ text = '' }) => text).join('');
const told = chat.messages.map((message) => [textOf(message), message.metadata?.sessionId ?? null]);
process.stdout.write(`${JSON.stringify(told)}\n`);

/** Three turns of the AI SDK's own chat: `three-turns.mjs API ID`. Prints the texts. */
import { chatOf, told } from './plain-chat.mjs';

const [api, id] = process.argv.slice(2);
const chat = chatOf(api, id);
for (const text of ['one', 'two', 'three']) {
  await chat.sendMessage({ text });
  if (chat.error) throw chat.error;
}
process.stdout.write(`${JSON.stringify(chat.messages.map(told))}\n`);

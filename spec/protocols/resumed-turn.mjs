/**
 * A page that is loaded again in the middle of an answer: `resumed-turn.mjs API OTHER_API GO ID`. It asks at one gateway, reads on at
 * the other, and has the worker go on by a POST to `GO`. Prints the texts.
 */
import { chatOf, told } from './plain-chat.mjs';

const [api, other, go, id] = process.argv.slice(2);
const seen = async (chat, text) => {
  while (chat.messages.at(-1) === undefined || told(chat.messages.at(-1))[0] !== text) {
    if (chat.error) throw chat.error;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};
const before = chatOf(api, id);
before.sendMessage({ text: 'hold 3' });
await seen(before, '0 1 2 ');
const asked = before.messages.slice(0, 1);
await before.stop();

const after = chatOf(other, id);
after.messages = asked;
const done = after.resumeStream();
await seen(after, '0 1 2 ');
await fetch(go, { method: 'POST' });
await done;
if (after.error) throw after.error;
await after.resumeStream();
process.stdout.write(`${JSON.stringify(after.messages.map(told))}\n`);

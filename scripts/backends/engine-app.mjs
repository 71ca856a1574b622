/** An app whose agent is an engine: its run makes the spans of AI. */
import { defineEngine, run } from 'express-agent-envelope/engines';

const parrot = defineEngine('parrot', async function* ({ messages }) {
  await new Promise((resolve) => setTimeout(resolve, 20));
  yield `re: ${messages.at(-1).content}`;
});

export async function answer(content) {
  const { output } = await run(parrot, { messages: [{ role: 'user', content }] }).result;
  return output;
}

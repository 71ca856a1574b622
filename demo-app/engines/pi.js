/** The real Pi, on its faux provider without a key; on a real model where the environment has a provider's key. */
import { fauxAssistantMessage, fauxText, fauxToolCall } from '@earendil-works/pi-ai';
import { AuthStorage, defineTool, ModelRegistry } from '@earendil-works/pi-coding-agent';
import { pi } from 'express-agent-envelope/engines/pi';
import { Type } from 'typebox';
import { describePicture } from './picture.js';

/** What `parameters.model` can be, `provider/model-id`: those whose provider's key is in the environment. */
export const models = ModelRegistry.inMemory(AuthStorage.inMemory())
  .getAvailable()
  .map(({ provider, id }) => `${provider}/${id}`);

const asText = (text) => ({ content: [{ type: 'text', text }], details: {} });

const clock = defineTool({
  name: 'clock',
  label: 'Clock',
  description: 'Tells the time of day',
  parameters: Type.Object({}),
  execute: async () => asText(new Date().toTimeString().slice(0, 8)),
});
const add = defineTool({
  name: 'add',
  label: 'Add',
  description: 'Adds two numbers',
  parameters: Type.Object({ a: Type.Number(), b: Type.Number() }),
  execute: async (_id, { a, b }) => asText(String(a + b)),
});

/** Without a model, Pi chooses among those that have a key. */
export const piEngine = pi({
  model: models.length > 0 ? undefined : 'faux',
  instructions: 'You answer in one or two sentences.',
  tools: [clock, add],
  faux: { respond, tokensPerSecond: Number(process.env.TOKENS_PER_SECOND ?? 20) },
});

/** The faux provider's part: one tool call when the message asks for it, else a sentence about what it was given. */
function respond({ messages }) {
  const last = messages.at(-1);
  const text = textOf(last.content);
  if (last.role === 'toolResult') {
    return last.toolName === 'clock' ? `It is ${text} here.` : `That makes ${text}.`;
  }
  const picture = last.content.find?.(({ type }) => type === 'image');
  if (picture) return describePicture(picture.mimeType, picture.data);
  const [a, b] = text.match(/-?\d+(?:\.\d+)?/g)?.map(Number) ?? [];
  if (/\btime\b/i.test(text)) return call('Let me look at the clock.', 'clock', {});
  if (/\badd\b/i.test(text) && b !== undefined) return call('Let me add them.', 'add', { a, b });
  const before = messages.length - 1;
  const seen = before === 0 ? 'no earlier message' : `${before} earlier messages`;
  return (
    `You said “${text}”. I was given ${seen}, and no session id: ` +
    'the id of this conversation is on my spans all the same.'
  );
}

const call = (words, name, input) =>
  fauxAssistantMessage([fauxText(words), fauxToolCall(name, input)], { stopReason: 'toolUse' });

function textOf(content) {
  if (typeof content === 'string') return content;
  return content.map((part) => part.text ?? '').join('');
}

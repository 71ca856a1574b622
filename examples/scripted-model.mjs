/** The AI SDK's mock model, with a script: it calls the tool `remove`, and says what came of it. No key, no network. */
import { simulateReadableStream } from 'ai';
import { MockLanguageModelV3 } from 'ai/test';

const CALL = {
  type: 'tool-call',
  toolCallId: 'c1',
  toolName: 'remove',
  input: '{"file":"a.txt"}',
};
const finish = {
  type: 'finish',
  finishReason: { unified: 'stop', raw: 'stop' },
  usage: { inputTokens: { total: 3 }, outputTokens: { total: 5 } },
};
const say = (delta) => [
  { type: 'text-start', id: 't' },
  { type: 'text-delta', id: 't', delta },
  { type: 'text-end', id: 't' },
];

export const model = new MockLanguageModelV3({
  doStream: async ({ prompt }) => {
    const { role, content } = prompt.at(-1);
    const parts = role === 'tool' ? say(content[0].output.value ?? 'As you wish.') : [CALL];
    return { stream: simulateReadableStream({ chunks: [...parts, finish] }) };
  },
});

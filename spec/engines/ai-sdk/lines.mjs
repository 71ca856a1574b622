/** `aiSdk()` in a real process, on whichever line of `ai` is installed beside it: prints what a run with a tool tells. */
import { jsonSchema, tool } from 'ai';
import * as mocks from 'ai/test';
import { run } from 'express-agent-envelope/engines';
import { aiSdk } from 'express-agent-envelope/engines/ai-sdk';

const { MockLanguageModelV2, MockLanguageModelV3, MockLanguageModelV4, simulateReadableStream } =
  mocks;
const Model = MockLanguageModelV4 ?? MockLanguageModelV3 ?? MockLanguageModelV2;
const isFirstLine = Model === MockLanguageModelV2;

const finish = (reason) => ({
  type: 'finish',
  finishReason: isFirstLine ? reason : { unified: reason, raw: reason },
  usage: isFirstLine
    ? { inputTokens: 3, outputTokens: 5, totalTokens: 8 }
    : { inputTokens: { total: 3 }, outputTokens: { total: 5 } },
});
const STEPS = [
  [
    { type: 'tool-call', toolCallId: 'c', toolName: 'double', input: '{"n":2}' },
    finish('tool-calls'),
  ],
  [
    { type: 'reasoning-start', id: 'r' },
    { type: 'reasoning-delta', id: 'r', delta: 'Hm' },
    { type: 'reasoning-end', id: 'r' },
    { type: 'text-start', id: 't' },
    { type: 'text-delta', id: 't', delta: 'Four' },
    { type: 'text-end', id: 't' },
    finish('stop'),
  ],
];
let calls = 0;
const model = new Model({
  doStream: async () => {
    const chunks = [{ type: 'stream-start', warnings: [] }, ...STEPS[calls++]];
    return { stream: simulateReadableStream({ chunks }) };
  },
});
const double = tool({
  inputSchema: jsonSchema({ type: 'object' }),
  execute: async ({ n }) => 2 * n,
});
const image = { type: 'image', media_type: 'image/png' };
const ask = (part) => ({
  messages: [
    { role: 'user', content: [{ type: 'text', text: 'Hello' }, part] },
    {
      role: 'assistant',
      content: [
        { type: 'tool.call', id: 'a', name: 'double', arguments: { n: 1 } },
        { type: 'tool.result', id: 'a', output: 2, is_error: false },
      ],
    },
    { role: 'user', content: 'And two?' },
  ],
});

const engine = aiSdk({ model, instructions: 'Be brief.', tools: { double } });
const events = [];
for await (const event of run(engine, ask({ ...image, data: 'iVBORw0KGgo=' }))) events.push(event);
calls = 1;
const refusal = await run(engine, ask({ ...image, url: 'http://127.0.0.1:9/a.png' })).result.then(
  () => 'taken',
  ({ code }) => code,
);
process.stdout.write(JSON.stringify({ events: events.slice(1), refusal }));

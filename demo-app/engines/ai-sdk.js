/** The AI SDK on a scripted model, which thinks aloud, looks at pictures and asks before it removes a file. No key, no network. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { jsonSchema, tool } from 'ai';
import { aiSdk } from 'express-agent-envelope/engines/ai-sdk';
import { describePicture } from './picture.js';

const WORD_MS = 45;

const clock = tool({
  description: 'Tells the time of day',
  inputSchema: jsonSchema({ type: 'object', properties: {} }),
  execute: () => new Date().toTimeString().slice(0, 8),
});
const removeFile = tool({
  description: 'Removes a file',
  inputSchema: jsonSchema({
    type: 'object',
    properties: { file: { type: 'string' } },
    required: ['file'],
  }),
  needsApproval: true,
  execute: ({ file }) => `${file} is gone (not really: there is no such file)`,
});

const model = {
  specificationVersion: 'v3',
  provider: 'scripted',
  modelId: 'scripted-1',
  supportedUrls: {},
  doStream: async ({ prompt, abortSignal }) => ({
    stream: ReadableStream.from(tell(answer(prompt), abortSignal)),
  }),
};

/** With a real model: `aiSdk({ model: anthropic('claude-sonnet-4-5'), … })`. */
export const aiSdkEngine = aiSdk({
  model,
  tools: { clock, remove_file: removeFile },
  approvals: 'ask',
});

/** What the model makes of a conversation: a thought, and words or a call. */
function answer(prompt) {
  const { role, content } = prompt.at(-1);
  if (role === 'tool') return afterTool(content.find(({ type }) => type === 'tool-result'));
  const text = content.map((part) => part.text ?? '').join(' ');
  const picture = content.find(({ type }) => type === 'file');
  if (picture)
    return {
      thought: 'A picture. Let me see what came.',
      words: describePicture(picture.mediaType, picture.data),
    };
  const [file] = /[\w-]+\.\w+/.exec(text) ?? ['draft.txt'];
  if (/\b(remove|delete)\b/i.test(text)) {
    const thought = `That would remove ${file}: I have to ask first.`;
    return { thought, words: 'I can do that, if you allow it.', call: ['remove_file', { file }] };
  }
  if (/\btime\b/i.test(text)) {
    return { thought: 'They want the time, and there is a clock.', call: ['clock', {}] };
  }
  const before = prompt.length - 1;
  const seen = before === 0 ? 'no earlier message' : `${before} earlier messages`;
  return {
    thought: `They say “${text}”. I see ${seen}, and no session id anywhere.`,
    words:
      `You said “${text}”. I was given ${seen}, and no session id: ` +
      'the chat’s id is on my spans all the same.',
  };
}

function afterTool({ toolName, output: { type, value, reason } }) {
  if (type === 'execution-denied' || /^error/.test(type)) {
    return { words: reason ?? 'As you wish: I leave it where it is.' };
  }
  return { words: toolName === 'clock' ? `It is ${value} here.` : `Done: ${value}.` };
}

async function* tell({ thought, words, call }, signal) {
  yield { type: 'stream-start', warnings: [] };
  if (thought) yield* spell('reasoning', thought, signal);
  if (words) yield* spell('text', words, signal);
  if (call) {
    const [toolName, input] = call;
    const toolCallId = `call-${randomUUID()}`;
    yield { type: 'tool-call', toolCallId, toolName, input: JSON.stringify(input) };
  }
  yield {
    type: 'finish',
    finishReason: { unified: call ? 'tool-calls' : 'stop', raw: undefined },
    usage: { inputTokens: { total: 40 }, outputTokens: { total: 20 } },
  };
}

async function* spell(kind, text, signal) {
  yield { type: `${kind}-start`, id: kind };
  for (const delta of text.match(/\S+\s*/g)) {
    await delay(WORD_MS, undefined, { signal });
    yield { type: `${kind}-delta`, id: kind, delta };
  }
  yield { type: `${kind}-end`, id: kind };
}

/** A language model for specs: the AI SDK's own mock, with a script. */
import { MockLanguageModelV3, simulateReadableStream } from 'ai/test';

type StreamOptions = Parameters<MockLanguageModelV3['doStream']>[0];
type StreamResult = Awaited<ReturnType<MockLanguageModelV3['doStream']>>;
export type Part = StreamResult['stream'] extends ReadableStream<infer Streamed> ? Streamed : never;

type Reason = 'stop' | 'tool-calls' | 'length' | 'error';

/** A step of the model: its parts, and the finish. */
export const step = (
  parts: readonly Part[],
  unified: Reason = 'stop',
  [input, output]: readonly [number | undefined, number | undefined] = [3, 5],
): Part[] => [
  { type: 'stream-start', warnings: [] },
  ...parts,
  {
    type: 'finish',
    finishReason: { unified, raw: unified },
    usage: {
      inputTokens: { total: input, noCache: input, cacheRead: 0, cacheWrite: 0 },
      outputTokens: { total: output, text: output, reasoning: 0 },
    },
  },
];
export const text = (...deltas: readonly string[]): Part[] => [
  { type: 'text-start', id: 't' },
  ...deltas.map((delta) => ({ type: 'text-delta' as const, id: 't', delta })),
  { type: 'text-end', id: 't' },
];
export const reasoning = (delta: string): Part[] => [
  { type: 'reasoning-start', id: 'r' },
  { type: 'reasoning-delta', id: 'r', delta },
  { type: 'reasoning-end', id: 'r' },
];
export const call = (id: string, toolName: string, input: object): Part => ({
  type: 'tool-call',
  toolCallId: id,
  toolName,
  input: JSON.stringify(input),
});

/** @param script - answers one call to the model, the first one with 0 */
export function mockModel(
  script: (options: StreamOptions, n: number) => Part[] | Promise<Part[]>,
  settings: { readonly fetches?: RegExp; readonly delay?: number } = {},
): MockLanguageModelV3 {
  let calls = 0;
  return new MockLanguageModelV3({
    modelId: 'mock-1',
    provider: 'mock.chat',
    supportedUrls: settings.fetches ? { '*/*': [settings.fetches] } : {},
    doStream: async (options) => {
      const chunks = await script(options, calls++);
      return { stream: simulateReadableStream({ chunks, chunkDelayInMs: settings.delay ?? null }) };
    },
  });
}

/** Quotes the texts of the last message. */
export const quoter = () =>
  mockModel(({ prompt }) => {
    const content = prompt.findLast(({ role }) => role === 'user')?.content ?? [];
    const texts = [...content].map((part) =>
      typeof part === 'object' && part.type === 'text' ? part.text : '',
    );
    return step(text('You said: ', texts.join(' ')));
  });

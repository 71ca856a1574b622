/** A conversation goes in, what a session of Pi is made of and asked comes out. */
import type * as PiAi from '@earendil-works/pi-ai';
import { isJsonObject } from '../../shared/json.js';
import { type AgentMessage, type TextPart, textOf } from '../../shared/messages.js';
import type { ToolCall, ToolResult } from '../../shared/run-events.js';
import { argumentsOf, toTurns } from '../history.js';
import { refuseParts } from '../message-error.js';

type Model = PiAi.Model<PiAi.Api>;
type Content = PiAi.TextContent | PiAi.ImageContent;

/** The last message of the user. */
export interface Question {
  readonly text: string;
  readonly images: PiAi.ImageContent[];
}

const NO_USAGE: PiAi.Usage = {
  input: 0,
  output: 0,
  cacheRead: 0,
  cacheWrite: 0,
  totalTokens: 0,
  cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, total: 0 },
};

/** Messages of the role `system` are instructions to Pi; the others are turns, and the last one of them is the question. */
export function split(messages: readonly AgentMessage[]) {
  const turns = messages.filter(({ role }) => role !== 'system');
  // `run()` has checked that there is a last message, and that it is the user's.
  const question = toContent(turns.at(-1)?.content ?? '');
  return {
    system: messages.filter(({ role }) => role === 'system').map(({ content }) => textOf(content)),
    history: turns.slice(0, -1),
    question: {
      text: question.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n'),
      images: question.filter((part) => part.type === 'image'),
    } satisfies Question,
  };
}

/**
 * Pi itself would put a remark in the place of an image that the model does not take, and it fetches nothing.
 *
 * @throws {@link EnvelopeError} `INVALID_INPUT` (422), naming the place of the image
 */
export function refuseImages(messages: readonly AgentMessage[], { input, id }: Model): void {
  refuseParts(messages, 'Pi', (part) => part.type !== 'image' || part.data !== undefined);
  if (input.includes('image')) return;
  refuseParts(messages, `the model "${id}"`, (part) => part.type !== 'image');
}

/** The history, as if this model had answered it. */
export function toPiMessages(
  history: readonly AgentMessage[],
  { api, provider, id }: Model,
): PiAi.Message[] {
  const timestamp = Date.now();
  const by = { api, provider, model: id, usage: NO_USAGE, timestamp };
  return toTurns(history).flatMap((turn): PiAi.Message[] => {
    const { role } = turn;
    if (role === 'user') return [{ role, content: toContent(turn.content), timestamp }];
    const stopReason = turn.results.length > 0 ? 'toolUse' : 'stop';
    return [
      { role, content: turn.content.map(toAnswer), ...by, stopReason },
      ...turn.results.map(({ call, result }) => toToolResult(call, result, timestamp)),
    ];
  });
}

function toAnswer(part: TextPart | ToolCall): PiAi.TextContent | PiAi.ToolCall {
  if (part.type === 'text') return textPart(part.text);
  return { type: 'toolCall', id: part.id, name: part.name, arguments: argumentsOf(part) };
}

function toToolResult(
  { name }: ToolCall,
  { id, output, is_error }: ToolResult,
  timestamp: number,
): PiAi.ToolResultMessage {
  const content = isContent(output) ? [...output] : [textPart(asText(output))];
  const by = { toolCallId: id, toolName: name };
  return { role: 'toolResult', ...by, content, isError: is_error, timestamp };
}

function toContent(content: AgentMessage['content']): Content[] {
  if (typeof content === 'string') return [textPart(content)];
  return content.map((part) =>
    part.type === 'image' && part.data !== undefined
      ? { type: 'image', data: part.data, mimeType: part.media_type }
      : textPart(textOf([part])),
  );
}

/** A result with an image, as Pi's own tools have it. */
function isContent(output: unknown): output is readonly Content[] {
  return (
    Array.isArray(output) &&
    output.every(
      (part) =>
        isJsonObject(part) &&
        ((part.type === 'text' && typeof part.text === 'string') ||
          (part.type === 'image' &&
            typeof part.data === 'string' &&
            typeof part.mimeType === 'string')),
    )
  );
}

const textPart = (text: string) => ({ type: 'text' as const, text });
const asText = (output: unknown) =>
  typeof output === 'string' ? output : (JSON.stringify(output) ?? '');

/** Messages of a conversation go in, messages by the GenAI conventions come out, for spans that may show content. */
import type { AgentMessage, MessagePart } from '../shared/messages.js';

/** A message as the conventions write it. */
interface GenAiMessage {
  readonly role: string;
  readonly parts: readonly object[];
}

/**
 * Maps the input of a run. Results of tools are messages of their own there.
 *
 * @see https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-events/
 */
export function toGenAiInput(messages: readonly AgentMessage[]): GenAiMessage[] {
  return messages.flatMap(({ role, content }) => {
    const mapped: { role: string; parts: object[] }[] = [];
    for (const part of partsOf(content)) {
      const owner = part.type === 'tool.result' ? 'tool' : role;
      if (mapped.at(-1)?.role !== owner) mapped.push({ role: owner, parts: [] });
      mapped.at(-1)?.parts.push(toGenAiPart(part));
    }
    return mapped;
  });
}

/** Maps the answer of a run, which is one message there. */
export function toGenAiOutput(
  content: AgentMessage['content'],
  reasoning: string,
  finishReason: string | undefined,
): object[] {
  const thought = reasoning === '' ? [] : [{ type: 'reasoning', content: reasoning }];
  const parts = [...thought, ...partsOf(content).map(toGenAiPart)];
  return [{ role: 'assistant', parts, finish_reason: finishReason }];
}

function partsOf(content: AgentMessage['content']): readonly MessagePart[] {
  return typeof content === 'string' ? [{ type: 'text', text: content }] : content;
}

function toGenAiPart(part: MessagePart): object {
  switch (part.type) {
    case 'text':
      return { type: 'text', content: part.text };
    case 'tool.call':
      return { type: 'tool_call', id: part.id, name: part.name, arguments: part.arguments };
    case 'tool.result':
      return { type: 'tool_call_response', id: part.id, response: part.output };
    case 'tool.approval':
      return part;
    default: {
      const about = { modality: modalityOf(part.media_type), mime_type: part.media_type };
      if (part.url !== undefined) return { type: 'uri', ...about, uri: part.url };
      // Without the bytes: an image on a span is more than most exporters and backends take.
      return { type: 'blob', ...about, content: '' };
    }
  }
}

function modalityOf(mediaType: string): string {
  const [type = ''] = mediaType.split('/');
  return ['image', 'audio', 'video'].includes(type) ? type : 'document';
}

/** A conversation goes in, the content blocks of an ACP prompt come out. */
import type { ContentBlock } from '@agentclientprotocol/sdk';
import { type AgentMessage, type MessagePart, textOf } from '../../shared/messages.js';
import { refuseParts } from '../message-error.js';

/**
 * A conversation as one text, with its images before it: an agent's session begins with this run, so the history goes along. JSON
 * keeps a message from pretending to be two.
 */
export function toPrompt(messages: readonly AgentMessage[]): ContentBlock[] {
  // System messages may follow the user's last message.
  const question = messages.findLast(({ role }) => role === 'user');
  if (question === undefined) throw new Error('The conversation has no message of the user');
  const others = messages.filter((message) => message !== question);
  const images: ContentBlock[] = [];
  const lines = others.map(({ role, content }) =>
    JSON.stringify({ role, content: withoutImages(content, images) }),
  );
  withoutImages(question.content, images);
  const asked = [textOf(question.content), ...toDecisions(question.content)]
    .filter((line) => line !== '')
    .join('\n');
  const text =
    lines.length === 0
      ? asked
      : [
          'The conversation so far, one message a line:',
          lines.join('\n'),
          'Answer this message:',
          asked,
        ].join('\n\n');
  return [...images, { type: 'text', text }];
}

/** The agent begins anew, and must make an approved call again: the permission is given when it asks. */
function toDecisions(content: AgentMessage['content']): string[] {
  if (typeof content === 'string') return [];
  return content.flatMap((part) => {
    if (part.type !== 'tool.approval') return [];
    const call = `the tool call ${JSON.stringify(part.id)}`;
    return part.approved
      ? [`I approve ${call}: make it now, with the same arguments.`]
      : [`I do not approve ${call}: go on without it.`];
  });
}

/**
 * ACP has images where the agent says so, by their bytes.
 *
 * @throws {@link EnvelopeError} `INVALID_INPUT` (422), naming the place of an image that the agent does not take
 */
export function refuseImages(messages: readonly AgentMessage[], takesImages: boolean): void {
  refuseParts(messages, 'this agent', (part) => part.type !== 'image' || takesImages);
  refuseParts(messages, 'ACP', (part) => part.type !== 'image' || part.data !== undefined);
}

/** An image becomes a block of its own; its number takes its place in the text. */
function withoutImages(content: AgentMessage['content'], images: ContentBlock[]): unknown {
  if (typeof content === 'string') return content;
  return content.map((part: MessagePart) => {
    if (part.type !== 'image' || part.data === undefined) return part;
    const number = images.push({ type: 'image', data: part.data, mimeType: part.media_type });
    return { type: part.type, number };
  });
}

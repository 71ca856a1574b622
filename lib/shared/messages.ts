/** A conversation's messages: text, or parts, as they go over the wire. */
import type { ToolApproval, ToolCall, ToolResult } from './run-events.js';

/** Text of a message. */
export interface TextPart {
  readonly type: 'text';
  readonly text: string;
}

/** An image or a file of the user: its bytes, or where they are. */
export type MediaPart = {
  readonly type: 'image' | 'file';
  /** `type/subtype`; of an image `image/…`. */
  readonly media_type: string;
} & (
  | {
      /** Base64, with the alphabet of RFC 4648 section 4. */ readonly data: string;
      readonly url?: undefined;
    }
  | { /** `http:` or `https:`. */ readonly url: string; readonly data?: undefined }
);

/**
 * A part of a message. The role decides which: text is in any message, images, files and approvals of tools are the user's, calls of
 * tools and their results the assistant's, in the order in which they happened.
 */
export type MessagePart = TextPart | MediaPart | ToolCall | ToolResult | ToolApproval;

/** One message of a conversation. */
export interface AgentMessage {
  readonly role: 'system' | 'user' | 'assistant';
  /** Text, or at least one part. */
  readonly content: string | readonly MessagePart[];
}

/** The text of a message, each text part on a line of its own; what is no text is left out. */
export function textOf(content: AgentMessage['content']): string {
  if (typeof content === 'string') return content;
  return content.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n');
}

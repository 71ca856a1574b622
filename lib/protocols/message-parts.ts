/** What clients say of media and tools goes in, parts of messages come out; what no part can say is an error with its place. */
import { detailsError, type EnvelopeError } from '../shared/errors.js';
import type { AgentMessage, MediaPart, MessagePart } from '../shared/messages.js';
import { orUndefined } from '../shared/thrown.js';

/** @throws nothing: the caller throws what it returns, an `INVALID_INPUT` (422) */
export function notCarried(pointer: string, detail: string): EnvelopeError {
  return detailsError('INVALID_INPUT', [{ pointer, detail }]);
}

/** An image or a file: its base64 text, or its URL. */
export function toMedia(mediaType: string, source: { data: string } | { url: string }): MediaPart {
  const type = mediaType.startsWith('image/') ? 'image' : 'file';
  return { type, media_type: mediaType, ...source };
}

/**
 * The same, where the URL may be one with the data inside. It is the client's, of any length: no expression with two repetitions reads it.
 *
 * @param at - the place of the part
 * @throws EnvelopeError `INVALID_INPUT` (422) for a data: URL that is none
 * @see RFC 2397
 */
export function fromUrl(mediaType: string, url: string, at: string): MediaPart {
  if (!/^data:/i.test(url)) return toMedia(mediaType, { url });
  const comma = url.indexOf(',');
  const text = orUndefined(() => decodeURIComponent(url.slice(comma + 1)));
  if (comma === -1 || text === undefined) {
    throw notCarried(
      at,
      'must have a data: URL with base64 or percent-encoded UTF-8 after a comma',
    );
  }
  const isBase64 = url.slice(0, comma).toLowerCase().endsWith(';base64');
  const bytes = Buffer.from(text, isBase64 ? 'base64' : 'utf8');
  return toMedia(mediaType, { data: bytes.toString('base64') });
}

/** One text is a text; a message without any part is none. */
export function toMessage(
  role: AgentMessage['role'],
  parts: readonly MessagePart[],
): AgentMessage[] {
  const [first] = parts;
  if (first === undefined) return [];
  return [{ role, content: parts.length === 1 && first.type === 'text' ? first.text : parts }];
}

/** A call that the user refused. */
export function refused(id: string): MessagePart {
  return { type: 'tool.result', id, output: 'The user did not approve the call', is_error: true };
}

/** A call that has no result was cut off: models refuse a call that nothing answers. */
export function cutOff(id: string): MessagePart {
  return { type: 'tool.result', id, output: 'The call was cut off', is_error: true };
}

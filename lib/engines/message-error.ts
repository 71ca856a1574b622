/** Messages and a place in them go in, the `INVALID_INPUT` (422) that names the place comes out. */
import { isDeepStrictEqual } from 'node:util';
import { activeSlot } from '../session/slot.js';
import { EnvelopeError, type ErrorDetail } from '../shared/errors.js';
import { isJsonObject } from '../shared/json.js';
import type { AgentMessage, MessagePart, TextPart } from '../shared/messages.js';
import { escapePointer } from '../shared/pointer.js';

/**
 * The error for places in the messages.
 *
 * @param messages - as `run()` was given them
 * @param places - relative to the messages
 */
export function messagesError(
  messages: unknown,
  ...places: readonly [ErrorDetail, ...ErrorDetail[]]
): EnvelopeError {
  const base = pointerOf(messages);
  const texts = places.map(({ pointer, detail }) => {
    const path = pointer.replaceAll(/\/(\d+)/g, '[$1]').replaceAll('/', '.');
    return `messages${path} ${detail}`;
  });
  return new EnvelopeError('INVALID_INPUT', texts.join('; '), {
    errors: places.map(({ pointer, detail }) => ({ pointer: base + pointer, detail })),
  });
}

/**
 * Refuses messages with a part that an engine cannot take: a part is never left out silently.
 *
 * @param who - who cannot take it, e.g. `the engine "pi"`
 * @param takes - whether it takes a part other than text
 * @throws {@link EnvelopeError} `INVALID_INPUT` (422), naming the place of the first such part and its type
 */
export function refuseParts(
  messages: readonly AgentMessage[],
  who: string,
  takes: (part: Exclude<MessagePart, TextPart>) => boolean,
): void {
  for (const [i, { content }] of messages.entries()) {
    if (typeof content === 'string') continue;
    for (const [j, part] of content.entries()) {
      if (part.type === 'text' || takes(part)) continue;
      const kind = 'url' in part ? `${part.type} with a url` : part.type;
      const detail = `is of the type ${kind}, which ${who} cannot take`;
      throw messagesError(messages, { pointer: `/${i}/content/${j}`, detail });
    }
  }
}

/**
 * Where the messages are in the request body, when a handler passes on an input as it is, or as a schema has given it back. What
 * the app made itself is in no body: then the pointer is one into the argument of `run()`.
 */
function pointerOf(messages: unknown): string {
  const { inputs = {}, pointer } = activeSlot()?.data ?? {};
  const names = Object.keys(inputs);
  const name =
    names.find((input) => inputs[input] === messages) ??
    names.find((input) => isCopy(messages, inputs[input]));
  return name === undefined ? '/messages' : `${pointer}/inputs/${escapePointer(name)}`;
}

/** Zod, for one, gives back a copy without the members that it does not know, such as a client's own id of a message. */
function isCopy(messages: unknown, sent: unknown): boolean {
  if (!Array.isArray(messages) || !Array.isArray(sent)) return false;
  if (messages.length === 0 || messages.length !== sent.length) return false;
  return isDeepStrictEqual(messages.map(said), sent.map(said));
}

function said(message: unknown): unknown {
  return isJsonObject(message) ? [message.role, message.content] : message;
}

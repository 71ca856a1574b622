/** Messages of AG-UI go in, the calls of tools in them come out, each with its result beside it. */
import { isJsonObject, type JsonObject } from '../../shared/json.js';
import type { MessagePart } from '../../shared/messages.js';
import type { ToolApproval } from '../../shared/run-events.js';
import { cutOff, notCarried } from '../message-parts.js';

/** What there is to say of a call after it. */
type Afterwards = ReadonlyMap<unknown, readonly MessagePart[]>;

/**
 * Finds the result of each call: agents use an id again, and a result is that of the nearest message before it that has its id.
 *
 * @param approvals - of calls that run in this turn
 */
export function toolsOf(
  messages: readonly unknown[],
  approvals: readonly ToolApproval[],
): Afterwards {
  const found = new Map<unknown, readonly MessagePart[]>();
  const waiting = new Map<unknown, Iterator<unknown>>();
  const answer = (id: string, parts: readonly MessagePart[]) => {
    const call = waiting.get(id)?.next().value;
    if (call !== undefined) found.set(call, parts);
  };
  for (const [i, message] of messages.entries()) {
    if (!isJsonObject(message)) continue;
    if (message.role === 'assistant' && Array.isArray(message.toolCalls)) {
      const byId = new Map<unknown, unknown[]>();
      for (const call of message.toolCalls) {
        const { id } = Object(call) as JsonObject;
        if (!byId.has(id)) byId.set(id, []);
        byId.get(id)?.push(call);
      }
      for (const [id, calls] of byId) waiting.set(id, calls.values());
    }
    if (message.role !== 'tool') continue;
    const { toolCallId: id, content, error } = message;
    if (typeof id !== 'string') {
      throw notCarried(`/messages/${i}/toolCallId`, 'must be a string');
    }
    const is_error = error !== undefined && error !== null;
    const output = is_error && !content ? error : content;
    answer(id, [{ type: 'tool.result', id, output, is_error }]);
  }
  for (const { id } of approvals) answer(id, []);
  return found;
}

/** @throws EnvelopeError `INVALID_INPUT` (422) for what is no call */
export function toCalls(calls: unknown, afterwards: Afterwards, at: string): MessagePart[] {
  if (!Array.isArray(calls)) return [];
  return calls.flatMap((call, j): MessagePart[] => {
    const { id, function: called } = Object(call) as JsonObject;
    if (typeof id !== 'string' || !isJsonObject(called) || typeof called.name !== 'string') {
      throw notCarried(`${at}/toolCalls/${j}`, 'must have an id and a function with a name');
    }
    const args = parseArguments(called.arguments);
    return [
      { type: 'tool.call', id, name: called.name, arguments: args },
      ...(afterwards.get(call) ?? [cutOff(id)]),
    ];
  });
}

/** A call that was cut off may have half of its arguments: they stay the text that they are. */
function parseArguments(text: unknown): unknown {
  if (typeof text !== 'string') return text ?? {};
  if (text === '') return {};
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

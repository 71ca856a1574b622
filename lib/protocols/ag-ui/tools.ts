/** Messages of AG-UI go in, the calls of tools in them come out, each with its result beside it. */
import { CallResults } from '../../shared/call-results.js';
import { isJsonObject, type JsonObject } from '../../shared/json.js';
import type { MessagePart } from '../../shared/messages.js';
import type { ToolApproval } from '../../shared/run-events.js';
import { cutOff, notCarried } from '../message-parts.js';

/** What there is to say of a call after it. */
type Afterwards = CallResults<unknown, readonly MessagePart[]>;

/** @param approvals - of calls that run in this turn */
export function toolsOf(
  messages: readonly unknown[],
  approvals: readonly ToolApproval[],
): Afterwards {
  const found: Afterwards = new CallResults();
  for (const [i, message] of messages.entries()) {
    if (!isJsonObject(message)) continue;
    if (message.role === 'assistant' && Array.isArray(message.toolCalls)) {
      for (const call of message.toolCalls) found.call(Object(call).id, call, message);
    }
    if (message.role !== 'tool') continue;
    const { toolCallId: id, content, error } = message;
    if (typeof id !== 'string') {
      throw notCarried(`/messages/${i}/toolCallId`, 'must be a string');
    }
    const is_error = error !== undefined && error !== null;
    const output = is_error && !content ? error : content;
    found.result(id, [{ type: 'tool.result', id, output, is_error }]);
  }
  for (const { id } of approvals) found.result(id, []);
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
      ...(afterwards.of(call) ?? [cutOff(id)]),
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

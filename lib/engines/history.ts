/** Messages go in; turns come out as models know them: what was said and called, then the result of each call. */
import { CallResults } from '../shared/call-results.js';
import { isJsonObject, type JsonObject } from '../shared/json.js';
import type { AgentMessage, MediaPart, MessagePart, TextPart } from '../shared/messages.js';
import type { ToolCall, ToolResult } from '../shared/run-events.js';
import { type Decision, decisionsOf, refusedResult } from './decisions.js';

/** A message of the user, or one call to the model. */
export type Turn =
  | { readonly role: 'user'; readonly content: readonly (TextPart | MediaPart)[] }
  | {
      readonly role: 'assistant';
      readonly content: readonly (TextPart | ToolCall)[];
      /** One for each call: providers refuse a call without one. */
      readonly results: readonly Answered[];
    };

interface Answered {
  readonly call: ToolCall;
  readonly result: ToolResult;
  /** What the user has decided in this turn. */
  readonly decision?: Decision | undefined;
}

/** @param messages - those of the user and the assistant are turns; what decides about tools only is none */
export function toTurns(messages: readonly AgentMessage[]): Turn[] {
  const turns = messages.filter(({ role }) => role !== 'system');
  const results = resultsOf(turns);
  const decisions = new Map(decisionsOf(turns).map((decision) => [decision.call, decision]));
  const answer = (call: ToolCall): Answered => {
    const decision = decisions.get(call);
    const result = results.of(call) ?? unanswered(call, decision);
    return { call, result, decision };
  };
  const asked = [...decisions.keys()];
  const last = turns.findLastIndex(({ role }) => role === 'assistant');
  return turns.flatMap(({ role, content }, i): Turn[] => {
    const parts = partsOf(content);
    if (role === 'user') {
      const said = parts.filter(isUsers);
      return said.length === 0 ? [] : [{ role, content: said }];
    }
    const others = parts.filter((part) => part.type !== 'tool.call' || !decisions.has(part));
    // What the user has decided about comes last, whatever ran beside it: it goes on from there.
    const said = [...callsToModel(others), ...(i === last && asked.length > 0 ? [asked] : [])];
    return said.map((content) => ({
      role: 'assistant',
      content,
      results: content.filter((part) => part.type === 'tool.call').map(answer),
    }));
  });
}

/** Arguments as an object, since a provider takes no other; another engine may have called its tool otherwise. */
export function argumentsOf({ arguments: input }: ToolCall): JsonObject {
  return isJsonObject(input) ? input : { input };
}

function partsOf(content: AgentMessage['content']): readonly MessagePart[] {
  return typeof content === 'string' ? [{ type: 'text', text: content }] : content;
}

function resultsOf(messages: readonly AgentMessage[]): CallResults<ToolCall, ToolResult> {
  const results = new CallResults<ToolCall, ToolResult>();
  for (const message of messages) {
    for (const part of partsOf(message.content)) {
      if (part.type === 'tool.call') results.call(part.id, part, message);
      if (part.type === 'tool.result') results.result(part.id, part);
    }
  }
  return results;
}

/** What is said after a result was said by the next call to the model. */
function callsToModel(parts: readonly MessagePart[]): (TextPart | ToolCall)[][] {
  const calls: (TextPart | ToolCall)[][] = [];
  let isAnswered = true;
  for (const part of parts) {
    if (part.type === 'tool.result') isAnswered = true;
    if (part.type !== 'text' && part.type !== 'tool.call') continue;
    if (isAnswered) calls.push([]);
    isAnswered = false;
    calls.at(-1)?.push(part);
  }
  return calls;
}

function unanswered({ id }: ToolCall, decision: Decision | undefined): ToolResult {
  if (decision?.approved === false) return refusedResult(id);
  const output = decision
    ? 'The user approved the call, but it has not run'
    : 'The tool has not answered';
  return { type: 'tool.result', id, output, is_error: true };
}

const isUsers = (part: MessagePart): part is TextPart | MediaPart =>
  part.type === 'text' || part.type === 'image' || part.type === 'file';

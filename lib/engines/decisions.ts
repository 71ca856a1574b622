/** Messages go in; what the user has decided about calls of tools comes out. */
import type { AgentMessage } from '../shared/messages.js';
import type { ToolCall, ToolResult } from '../shared/run-events.js';

/** The user's answer to a `tool.approval` of the turn before. */
export interface Decision {
  readonly call: ToolCall;
  readonly approved: boolean;
}

/** What became of a call that the user refused. */
const NOT_APPROVED = 'The tool was denied: the user did not approve it';

/** The results of the calls that the user refused in this turn. */
export function refusedResults(messages: readonly AgentMessage[]): ToolResult[] {
  const refused = decisionsOf(messages).filter(({ approved }) => !approved);
  return refused.map(({ call }) => refusedResult(call.id));
}

export function refusedResult(id: string): ToolResult {
  return { type: 'tool.result', id, output: NOT_APPROVED, is_error: true };
}

/**
 * The decisions of this turn: those after the last message of the assistant. A decision counts once, for an earlier one has had its
 * effect in the run after it.
 */
export function decisionsOf(messages: readonly AgentMessage[]): Decision[] {
  const last = messages.findLastIndex(({ role }) => role === 'assistant');
  const parts = (list: readonly AgentMessage[]) =>
    list.flatMap(({ content }) => (typeof content === 'string' ? [] : content));
  const calls = new Map<string, ToolCall>();
  for (const part of parts(messages.slice(0, last + 1))) {
    if (part.type === 'tool.call') calls.set(part.id, part);
  }
  const decisions = new Map<string, Decision>();
  for (const part of parts(messages.slice(last + 1))) {
    const call = part.type === 'tool.approval' ? calls.get(part.id) : undefined;
    if (part.type === 'tool.approval' && call) {
      decisions.set(part.id, { call, approved: part.approved });
    }
  }
  return [...decisions.values()];
}

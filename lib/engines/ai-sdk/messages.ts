/** A conversation goes in, the messages of the AI SDK come out. */
import type { ModelMessage, ToolModelMessage } from 'ai';
import { type AgentMessage, type MediaPart, type TextPart, textOf } from '../../shared/messages.js';
import type { ToolCall, ToolResult } from '../../shared/run-events.js';
import type { Decision } from '../decisions.js';
import { argumentsOf, toTurns } from '../history.js';

type ToolOutput = Extract<ToolModelMessage['content'][number], { type: 'tool-result' }>['output'];

/** The system prompt: what the engine is told, and what the conversation tells. */
export function toSystem(
  instructions: string | undefined,
  messages: readonly AgentMessage[],
): string | undefined {
  const system = messages.filter(({ role }) => role === 'system');
  const texts = [instructions ?? '', ...system.map(({ content }) => textOf(content))];
  return texts.filter((text) => text !== '').join('\n\n') || undefined;
}

export function toModelMessages(messages: readonly AgentMessage[]): ModelMessage[] {
  return toTurns(messages).flatMap((turn, i, turns): ModelMessage[] => {
    const { role } = turn;
    if (role === 'user') return [{ role, content: turn.content.map(toUserPart) }];
    // The SDK runs what was approved only where the conversation ends with the decision.
    const decides = i === turns.length - 1;
    const asked = turn.results.filter(({ decision }) => decides && decision);
    const answer = {
      role,
      content: [...turn.content.map(toAnswerPart), ...asked.map(({ call }) => toRequestPart(call))],
    };
    const results = turn.results.map(({ call, result, decision }) =>
      decides && decision ? toDecisionPart(decision) : toResultPart(call, result),
    );
    return results.length === 0 ? [answer] : [answer, { role: 'tool', content: results }];
  });
}

/** What came of the decisions that another turn of the conversation follows, which the SDK does nothing about. */
export function untoldResults(messages: readonly AgentMessage[]): ToolResult[] {
  const answers = toTurns(messages).slice(0, -1);
  const results = answers.flatMap((turn) => (turn.role === 'assistant' ? turn.results : []));
  return results.flatMap(({ decision, result }) => (decision ? [result] : []));
}

/** An image is a file with the media type of an image, in every version of the SDK. */
function toUserPart(part: TextPart | MediaPart) {
  if (part.type === 'text') return { type: 'text' as const, text: part.text };
  const data = part.url === undefined ? part.data : new URL(part.url);
  return { type: 'file' as const, mediaType: part.media_type, data };
}

function toAnswerPart(part: TextPart | ToolCall) {
  if (part.type === 'text') return { type: 'text' as const, text: part.text };
  const { id: toolCallId, name: toolName } = part;
  return { type: 'tool-call' as const, toolCallId, toolName, input: argumentsOf(part) };
}

/** A call is asked for once: the call's id serves for the question. */
function toRequestPart({ id }: ToolCall) {
  return { type: 'tool-approval-request' as const, approvalId: id, toolCallId: id };
}

function toDecisionPart({ call, approved }: Decision) {
  return { type: 'tool-approval-response' as const, approvalId: call.id, approved };
}

function toResultPart({ name: toolName }: ToolCall, { id, output, is_error }: ToolResult) {
  return {
    type: 'tool-result' as const,
    toolCallId: id,
    toolName,
    output: (typeof output === 'string'
      ? { type: is_error ? 'error-text' : 'text', value: output }
      : { type: is_error ? 'error-json' : 'json', value: output ?? null }) as ToolOutput,
  };
}

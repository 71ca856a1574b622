/** A run's events go in, what they add up to comes out: the answer, the tokens, the reason of the end. */
import { type AgentRunResult, addUsage } from '../shared/agent-run.js';
import type { MessagePart } from '../shared/messages.js';
import type { AgentEvent, ToolCall, ToolResult } from '../shared/run-events.js';
import { decisionsOf } from './decisions.js';
import type { AgentEngine, EngineRequest } from './engine.js';

type Sum = Pick<AgentRunResult, 'output' | 'messages' | 'usage' | 'stopReason'>;

/**
 * Starts with what the request holds.
 *
 * @param accepts - see {@link AgentEngine.accepts}: the next turn must not send what the engine would refuse
 */
export function createTranscript(
  { messages }: EngineRequest,
  accepts: AgentEngine['accepts'] = [],
) {
  const keepsTools = accepts.includes('tool.call') && accepts.includes('tool.result');
  const parts: MessagePart[] = [];
  // A call that the user has decided about gets its result in this run.
  const called = new Set(decisionsOf(messages).map(({ call }) => call.id));
  let text = '';
  let output = '';
  let usage: AgentRunResult['usage'];
  let stopReason = 'stop';
  let dropped = 0;
  const endText = () => {
    if (text !== '') parts.push({ type: 'text', text });
    text = '';
  };
  const addTool = (event: ToolCall | ToolResult) => {
    if (event.type === 'tool.call') called.add(event.id);
    if (!keepsTools || !called.has(event.id)) return;
    endText();
    parts.push(event);
  };
  return {
    add(event: AgentEvent): void {
      if (event.type === 'message.delta') {
        output += event.delta;
        text += event.delta;
      }
      if (event.type === 'tool.call' || event.type === 'tool.result') addTool(event);
      if (event.type === 'events.dropped') dropped += event.count;
      if (event.type === 'run.end') stopReason = event.stop_reason;
      if (event.type === 'usage') usage = addUsage(usage, event);
    },
    /** Events that the engine no longer had: what is told does not add up to the answer. */
    get dropped(): number {
      return dropped;
    },
    result(): Sum {
      if (parts.length > 0) endText();
      const content = parts.length > 0 ? parts : output;
      return { output, messages: [...messages, { role: 'assistant', content }], usage, stopReason };
    },
  };
}

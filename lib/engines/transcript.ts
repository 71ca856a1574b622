/** A run's events go in, what they add up to comes out: the answer, the tokens, the reason of the end. */
import type { AgentEvent, AgentRunResult } from '../shared/run-events.js';
import type { EngineRequest } from './engine.js';

type Sum = Pick<AgentRunResult, 'output' | 'messages' | 'usage' | 'stopReason'>;

/** Starts with what the request holds. */
export function createTranscript({ messages }: EngineRequest) {
  let output = '';
  let usage: AgentRunResult['usage'];
  let stopReason = 'stop';
  return {
    add(event: AgentEvent): void {
      if (event.type === 'message.delta') output += event.delta;
      if (event.type === 'run.end') stopReason = event.stop_reason;
      if (event.type === 'usage') {
        usage = {
          inputTokens: (usage?.inputTokens ?? 0) + event.input_tokens,
          outputTokens: (usage?.outputTokens ?? 0) + event.output_tokens,
        };
      }
    },
    result(): Sum {
      return {
        output,
        messages: [...messages, { role: 'assistant', content: output }],
        usage,
        stopReason,
      };
    },
  };
}

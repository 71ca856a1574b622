/** A whole small engine: it answers by quoting, uses a tool on request, and fails on request. */
import { randomUUID } from 'node:crypto';
import type { AgentEngine, AgentEvent } from '../../lib/engines/index.js';
import { textOf } from '../../lib/shared/messages.js';

export interface SmallEngine extends AgentEngine {
  /** How often a session was closed. */
  closed: number;
}

export function smallEngine(script?: (text: string) => AsyncIterable<AgentEvent>): SmallEngine {
  const engine: SmallEngine = {
    name: 'small',
    closed: 0,
    async open(_request, signal) {
      signal.throwIfAborted();
      return {
        id: randomUUID(),
        model: 'quoter-1',
        prompt: ({ messages }) => (script ?? quote)(textOf(messages.at(-1)?.content ?? '')),
        async close() {
          engine.closed += 1;
        },
      };
    },
  };
  return engine;
}

async function* quote(text: string): AsyncIterable<AgentEvent> {
  yield { type: 'message.delta', delta: 'You said: ' };
  yield { type: 'message.delta', delta: text };
  yield { type: 'usage', input_tokens: 3, output_tokens: 5 };
  yield { type: 'run.end', stop_reason: 'stop' };
}

export async function* useTool(): AsyncIterable<AgentEvent> {
  yield { type: 'message.delta', delta: 'Let me see. ' };
  yield { type: 'usage', input_tokens: 1, output_tokens: 2 };
  yield { type: 'tool.call', id: 'call-1', name: 'lookup', arguments: { key: 'private' } };
  yield { type: 'tool.result', id: 'call-1', output: 'private result', is_error: false };
  yield { type: 'message.delta', delta: 'Found.' };
  yield { type: 'usage', input_tokens: 10, output_tokens: 20 };
  yield { type: 'run.end', stop_reason: 'stop' };
}

// biome-ignore lint/correctness/useYield: it fails before it says anything
export async function* fail(): AsyncIterable<AgentEvent> {
  throw new Error('private reason');
}

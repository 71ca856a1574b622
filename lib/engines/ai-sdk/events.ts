/** The parts that the AI SDK streams go in, a run's events come out. */
import type { TextStreamPart, ToolSet } from 'ai';
import type { AgentEvent } from '../../shared/run-events.js';
import { orUndefined, readText } from '../../shared/thrown.js';
import { refusedResult } from '../decisions.js';
import { engineFailed } from '../engine-error.js';
import { usageOf } from '../event-check.js';

/** Between the texts of two calls to the model: without this gap, the text before a tool would run into the text after it. */
const GAP = '\n\n';

const NOBODY_ASKED = 'The tool was denied: nobody can approve it';

/**
 * Makes the translation of one answer. What has no event is left out: sources, files that the model makes, arguments as they grow.
 *
 * @param approvals - see {@link AiSdkOptions}
 * @throws from the translation: what a part of the type `error` holds
 */
export function createTranslator(
  approvals: 'ask' | 'reject',
): (part: TextStreamPart<ToolSet>) => AgentEvent[] {
  let asked = false;
  let spoke = false;
  let gap = '';
  return (part) => {
    switch (part.type) {
      case 'text-delta': {
        if (part.text === '') return [];
        const delta = gap + part.text;
        spoke = true;
        gap = '';
        return [{ type: 'message.delta', delta }];
      }
      case 'reasoning-delta':
        return part.text === '' ? [] : [{ type: 'reasoning.delta', delta: part.text }];
      case 'tool-call': {
        const { toolCallId: id, toolName: name, input } = part;
        return [{ type: 'tool.call', id, name, arguments: input }];
      }
      case 'tool-result':
        // A tool that is a generator yields results on its way.
        return part.preliminary ? [] : [toResult(part.toolCallId, part.output, false)];
      case 'tool-error':
        return [toResult(part.toolCallId, messageOf(part.error), true)];
      case 'tool-approval-request': {
        const { toolCallId: id, toolName: name, input } = part.toolCall;
        if (approvals === 'reject') return [toResult(id, NOBODY_ASKED, true)];
        asked = true;
        return [{ type: 'tool.approval', id, name, arguments: input }];
      }
      case 'tool-output-denied':
        return [refusedResult(part.toolCallId)];
      case 'finish-step':
        if (spoke) gap = GAP;
        return usageOf(part.usage.inputTokens, part.usage.outputTokens);
      case 'finish':
        if (part.finishReason === 'error') throw engineFailed('The model ended with an error');
        return [{ type: 'run.end', stop_reason: asked ? 'approval' : part.finishReason }];
      case 'error':
        throw part.error;
      default:
        return [];
    }
  };
}

function toResult(id: string, output: unknown, is_error: boolean): AgentEvent {
  return { type: 'tool.result', id, output: output ?? null, is_error };
}

/** A tool may throw anything. */
function messageOf(error: unknown): string {
  const message = error instanceof Error ? readText(error, 'message') : undefined;
  return message ?? orUndefined(() => String(error)) ?? 'The tool failed';
}

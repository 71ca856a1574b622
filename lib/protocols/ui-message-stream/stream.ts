/** A run goes in; the AI SDK's UI message stream of it comes out. */
import { type AgentRun, type AgentRunResult, addUsage } from '../../shared/agent-run.js';
import type { AgentEvent } from '../../shared/run-events.js';
import { createCallIds, messagesOfRequest, partsOf, partsOfRequest } from '../call-ids.js';
import { type RunTeller, toRunResponse } from '../run-response.js';
import { type Chunk, createParts } from './parts.js';

/**
 * Tells a run as the AI SDK's UI message stream, which `useChat` reads: text, reasoning, tools, an error as its `error` part.
 * A tool that waits for the user is its `tool-approval-request`, which `ai` 5 does not know. The message's metadata has the `sessionId`, and at the end `usage` and `finishReason`, the run's stop reason.
 *
 * @param run - what `run()` returned. It starts when the response is read
 * @returns a response for a bound handler to return, or for anything else that sends one
 * @throws TypeError for what is no run
 * @example
 * ```ts
 * app.post('/api/chat', uiMessageRequest(), agentEnvelope(), bind(['inputs'], ({ inputs }, { signal }) =>
 *   uiMessageStream(run(engine, { messages: inputs.messages }, { signal }))));
 * ```
 * @see https://ai-sdk.dev/docs/ai-sdk-ui/stream-protocol
 */
export function uiMessageStream(run: AgentRun): Response {
  return toRunResponse('uiMessageStream', run, createTeller(), {
    'x-vercel-ai-ui-message-stream': 'v1',
  });
}

/** The AI SDK's own reasons, for those that engines are known to give; any other is `other`. */
const FINISH_REASONS: ReadonlyMap<string, string> = new Map([
  ['stop', 'stop'],
  ['end_turn', 'stop'],
  ['length', 'length'],
  ['max_tokens', 'length'],
  ['tool-calls', 'tool-calls'],
  ['tool_use', 'tool-calls'],
  ['approval', 'tool-calls'],
  ['toolUse', 'tool-calls'],
  ['content-filter', 'content-filter'],
  ['refusal', 'content-filter'],
  ['error', 'error'],
]);

/** The engine runs its tools: the client neither knows their types nor has to answer the calls. */
const SERVER_TOOL = { dynamic: true, providerExecuted: true };

function createTeller(): RunTeller {
  const parts = createParts();
  const ids = createCallIds();
  const refused = refusedIds();
  // A client that begins a new message has no place in it for the result of a call before: it would drop all that follows.
  const isNew = beginsMessage();
  const called = new Set<string>();
  let usage: AgentRunResult['usage'];

  function* tell(event: AgentEvent): Iterable<Chunk> {
    switch (event.type) {
      case 'run.start':
        yield { type: 'start', messageMetadata: { sessionId: event.session_id } };
        return;
      case 'message.delta':
        return yield* parts.delta('text', event.delta);
      case 'reasoning.delta':
        return yield* parts.delta('reasoning', event.delta);
      case 'tool.call': {
        yield* parts.begin();
        called.add(event.id);
        const { name: toolName, arguments: input } = event;
        // The client requires the member, which JSON leaves out.
        const call = { toolCallId: ids.ofCall(event.id), toolName, input: input ?? {} };
        yield { type: 'tool-input-available', ...call, ...SERVER_TOOL };
        return;
      }
      case 'tool.approval': {
        // A call is asked for once: its id serves for the question.
        const id = ids.ofApproval(event.id);
        yield { type: 'tool-approval-request', approvalId: id, toolCallId: id };
        return;
      }
      case 'tool.result': {
        if (isNew && !called.has(event.id)) return;
        yield* parts.close();
        const id = ids.ofResult(event.id);
        yield refused.has(id) ? denial(id) : toolOutput({ ...event, id });
        return parts.answered();
      }
      case 'usage':
        usage = addUsage(usage, event);
        return;
      case 'run.end':
        yield* parts.finish();
        yield finish(event.stop_reason, usage);
    }
  }
  return {
    tell,
    *fail({ detail }) {
      yield* parts.close();
      yield { type: 'error', errorText: detail };
    },
    end: 'data: [DONE]\n\n',
  };
}

/** Whether it reads a run on, outside of its request, or its user has said something: else it goes on with the message that asked. */
function beginsMessage(): boolean {
  const messages = messagesOfRequest();
  if (messages === undefined) return true;
  const { role, content } = messages.at(-1) ?? {};
  const parts = partsOf(content);
  return (
    role === 'user' && (parts.length === 0 || parts.some(({ type }) => type !== 'tool.approval'))
  );
}

/** The calls that the user refused in the request. */
function refusedIds(): ReadonlySet<unknown> {
  const answers = partsOfRequest().filter(
    ({ type, approved }) => type === 'tool.approval' && !approved,
  );
  return new Set(answers.map(({ id }) => id));
}

function denial(id: string): Chunk {
  return { type: 'tool-output-denied', toolCallId: id };
}

function toolOutput({ id, output, is_error }: AgentEvent & { type: 'tool.result' }): Chunk {
  const common = { toolCallId: id, ...SERVER_TOOL };
  if (!is_error) return { type: 'tool-output-available', ...common, output: output ?? null };
  const errorText = typeof output === 'string' ? output : JSON.stringify(output ?? null);
  return { type: 'tool-output-error', ...common, errorText };
}

function finish(stopReason: string, usage: AgentRunResult['usage']): Chunk {
  const messageMetadata = {
    finishReason: stopReason,
    ...(usage && {
      usage: { ...usage, totalTokens: usage.inputTokens + usage.outputTokens },
    }),
  };
  const finishReason = FINISH_REASONS.get(stopReason) ?? 'other';
  return { type: 'finish', finishReason, messageMetadata };
}

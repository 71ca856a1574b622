/** A session of Pi goes in, an engine's session comes out: Pi pushes its events, and `run()` pulls ours. */
import type { AssistantMessage } from '@earendil-works/pi-ai';
import type { AgentSession, AgentSessionEvent } from '@earendil-works/pi-coding-agent';
import type { AgentEvent } from '../../shared/run-events.js';
import type { EngineSession } from '../engine.js';
import { usageOf } from '../event-check.js';
import { createEventQueue } from '../event-queue.js';
import { atMost, follow, onAbort } from '../waiting.js';
import type { Question } from './messages.js';

/** Pi waits for a tool that ignores its signal, however long it takes. A request that is over must not wait with it. */
const CLOSE_TIMEOUT_MS = 2_000;

/** Between the texts of two calls to the model: without this gap, the text before a tool would run into the text after it. */
const GAP = '\n\n';

/**
 * Wraps a session of Pi.
 *
 * @param session - the session, with the conversation in it but for the question
 * @param question - what to answer
 * @param signal - aborts when the run is to end early
 * @param release - releases what the session was made with; it is called once
 */
export function createPiSession(
  session: AgentSession,
  { text, images }: Question,
  signal: AbortSignal,
  release: () => Promise<void>,
): EngineSession {
  const stop = new AbortController();
  const unfollow = follow(stop, signal);
  let running: Promise<void> | undefined;
  let closing: Promise<void> | undefined;

  async function close(): Promise<void> {
    unfollow();
    stop.abort(new DOMException('The session of Pi is closed', 'AbortError'));
    // First, since `dispose()` does not stop a run.
    await atMost(CLOSE_TIMEOUT_MS, running);
    session.dispose();
    await release();
  }

  return {
    id: session.sessionId,
    model: session.model?.id,
    provider: session.model?.provider,
    async *prompt() {
      stop.signal.throwIfAborted();
      const queue = createEventQueue<AgentEvent>();
      const translate = createTranslator();
      let answer: AssistantMessage | undefined;
      // The agent's listeners are called before `prompt()` resolves; those of the session may still wait in its queue.
      const unsubscribe = session.agent.subscribe((event) => {
        // Pi ignores an abort issued before the agent starts, so check again here.
        if (event.type === 'agent_start' && stop.signal.aborted) session.agent.abort();
        if (event.type === 'message_end' && event.message.role === 'assistant') {
          answer = event.message;
        }
        const translated = translate(event);
        if (translated !== undefined) queue.push(translated);
      });
      const forget = onAbort(stop.signal, () => {
        session.agent.abort();
        queue.end(stop.signal.reason);
      });
      try {
        running = session
          .prompt(text, { expandPromptTemplates: false, images })
          .then(() => queue.end(failureOf(answer)), queue.end)
          .finally(unsubscribe);
        yield* queue.items();
        yield { type: 'run.end', stop_reason: answer?.stopReason ?? 'stop' };
      } finally {
        forget();
      }
    },
    close() {
      closing ??= close();
      return closing;
    },
  };
}

/** `prompt()` of Pi resolves whatever happens: a failure of the provider is in the last message. */
function failureOf(answer: AssistantMessage | undefined): Error | undefined {
  if (answer?.stopReason !== 'error' && answer?.stopReason !== 'aborted') return undefined;
  return new Error(answer.errorMessage ?? `The model's answer ended with "${answer.stopReason}"`);
}

/** Pi's objects are live: they change after the event. Only values and copies leave here. */
function createTranslator(): (event: AgentSessionEvent) => AgentEvent | undefined {
  let spoke = false;
  let gap = '';
  return (event) => {
    if (event.type === 'message_update') {
      const { assistantMessageEvent: part } = event;
      if (part.type === 'thinking_delta' && part.delta !== '') {
        return { type: 'reasoning.delta', delta: part.delta };
      }
      if (part.type !== 'text_delta' || part.delta === '') return undefined;
      const delta = gap + part.delta;
      spoke = true;
      gap = '';
      return { type: 'message.delta', delta };
    }
    if (event.type === 'message_end' && event.message.role === 'assistant') {
      const { stopReason, usage } = event.message;
      if (spoke) gap = GAP;
      // A call that did not succeed ends with the run: it counts no tokens, and its span is to show the failure.
      if (stopReason === 'error' || stopReason === 'aborted') return undefined;
      // Pi's `input` is what no cache held; the GenAI conventions count all of it.
      const input = usage.input + usage.cacheRead + usage.cacheWrite;
      return usageOf(input, usage.output)[0];
    }
    if (event.type === 'tool_execution_start') {
      const { toolCallId: id, toolName: name, args } = event;
      return { type: 'tool.call', id, name, arguments: structuredClone(args) };
    }
    if (event.type === 'tool_execution_end') {
      const { toolCallId: id, result, isError } = event;
      return { type: 'tool.result', id, output: outputOf(result.content), is_error: isError };
    }
    return undefined;
  };
}

/** The part of a tool's result that the model gets, as text if possible. The result's `details` are for the host's own screens. */
function outputOf(content: readonly { readonly type: string; readonly text?: string }[]): unknown {
  const isText = content.every(({ type }) => type === 'text');
  return isText ? content.map(({ text }) => text).join('\n') : structuredClone(content);
}

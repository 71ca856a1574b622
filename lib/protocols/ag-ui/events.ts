/** A run goes in, the AG-UI protocol's events of it come out. */
import { randomUUID } from 'node:crypto';
import { activeSlot } from '../../session/slot.js';
import { type AgentRun, type AgentRunResult, addUsage } from '../../shared/agent-run.js';
import { configError } from '../../shared/errors.js';
import { type Parsers, parseConfiguration } from '../../shared/option-parsing.js';
import type { AgentEvent } from '../../shared/run-events.js';
import { createCallIds } from '../call-ids.js';
import { type RunTeller, toRunResponse } from '../run-response.js';

/** How a run is told. An explicit `undefined` means the default. */
export interface AgUiEventsOptions {
  /**
   * The id of this run, as the client knows it; not empty.
   * @defaultValue the `runId` of the request, which {@link agUiRequest} keeps in `inputs.runId`; else a random UUID
   */
  readonly runId?: string | undefined;
}

const PARSERS: Parsers<{ runId: string }> = {
  runId: (value = idOfRequest() ?? randomUUID()) => {
    if (typeof value === 'string' && value !== '') return value;
    throw configError('agUiEvents: runId', 'must be a string that is not empty', value);
  },
};

/** What is no id is another input of the app's, by the same name: `agUiRequest()` has refused a client's. */
function idOfRequest(): string | undefined {
  const runId = activeSlot()?.data?.inputs.runId;
  return typeof runId === 'string' && runId !== '' ? runId : undefined;
}

/**
 * Tells a run as AG-UI events, which `HttpAgent` of `@ag-ui/client` reads, with the session id as the `threadId`: the run's start
 * and end, text, reasoning, tools, an error as `RUN_ERROR`. `RUN_FINISHED` has the stop reason and the usage in its `result`. A tool that
 * waits for the user is an interrupt of it, with the reason `tool_call` and the call's id as its own.
 *
 * @param run - what `run()` returned. It starts when the response is read
 * @param options - see {@link AgUiEventsOptions}
 * @returns a response for a bound handler to return, or for anything else that sends one
 * @throws TypeError for what is no run, and when an option is wrong
 * @example
 * ```ts
 * app.post('/agent', agUiRequest(), agentEnvelope(), bind(['inputs'], ({ inputs }, { signal }) =>
 *   agUiEvents(run(engine, { messages: inputs.messages }, { signal }))));
 * ```
 * @see https://docs.ag-ui.com/concepts/events
 */
export function agUiEvents(run: AgentRun, options?: AgUiEventsOptions): Response {
  const { runId } = parseConfiguration('agUiEvents: options', PARSERS, options);
  return toRunResponse('agUiEvents', run, createTeller(runId));
}

type Message = { readonly kind: 'TEXT' | 'REASONING'; readonly messageId: string };

function createTeller(runId: string): RunTeller {
  let open: Message | undefined;
  let threadId = '';
  const interrupts: object[] = [];
  const ids = createCallIds();
  let usage: AgentRunResult['usage'];

  function* close(): Iterable<object> {
    if (open === undefined) return;
    const { kind, messageId } = open;
    open = undefined;
    yield { type: `${kind}_MESSAGE_END`, messageId };
    if (kind === 'REASONING') yield { type: 'REASONING_END', messageId };
  }
  function* delta(kind: Message['kind'], text: string): Iterable<object> {
    // The protocol knows no empty delta.
    if (text === '') return;
    if (open?.kind !== kind) {
      yield* close();
      open = { kind, messageId: randomUUID() };
      const { messageId } = open;
      if (kind === 'REASONING') yield { type: 'REASONING_START', messageId };
      const role = kind === 'TEXT' ? 'assistant' : 'reasoning';
      yield { type: `${kind}_MESSAGE_START`, messageId, role };
    }
    yield { type: `${kind}_MESSAGE_CONTENT`, messageId: open.messageId, delta: text };
  }
  function* tell(event: AgentEvent): Iterable<object> {
    switch (event.type) {
      case 'run.start':
        threadId = event.session_id;
        yield { type: 'RUN_STARTED', threadId, runId };
        return;
      case 'message.delta':
        return yield* delta('TEXT', event.delta);
      case 'reasoning.delta':
        return yield* delta('REASONING', event.delta);
      case 'tool.call':
        yield* close();
        return yield* toolCall({ ...event, id: ids.ofCall(event.id) });
      case 'tool.approval':
        interrupts.push(toInterrupt({ ...event, id: ids.ofApproval(event.id) }));
        return;
      case 'tool.result':
        yield* close();
        yield toolResult({ ...event, id: ids.ofResult(event.id) });
        return;
      case 'usage':
        usage = addUsage(usage, event);
        return;
      case 'run.end':
        yield* close();
        yield {
          type: 'RUN_FINISHED',
          threadId,
          runId,
          result: { stopReason: event.stop_reason, ...(usage && { usage }) },
          ...(interrupts.length > 0 && { outcome: { type: 'interrupt', interrupts } }),
        };
    }
  }
  return {
    tell,
    *fail({ detail, code }) {
      yield* close();
      yield { type: 'RUN_ERROR', message: detail, code };
    },
  };
}

function* toolCall({ id, name, arguments: args }: AgentEvent & { type: 'tool.call' }) {
  yield { type: 'TOOL_CALL_START', toolCallId: id, toolCallName: name };
  yield { type: 'TOOL_CALL_ARGS', toolCallId: id, delta: JSON.stringify(args ?? {}) };
  yield { type: 'TOOL_CALL_END', toolCallId: id };
}

/** The client resumes with the payload that the schema describes. */
function toInterrupt({ id, name }: AgentEvent & { type: 'tool.approval' }): object {
  return {
    id,
    reason: 'tool_call',
    message: `May the tool ${name} run?`,
    toolCallId: id,
    responseSchema: {
      type: 'object',
      properties: { approved: { type: 'boolean' } },
      required: ['approved'],
    },
  };
}

/** An AG-UI result is text. */
function toolResult({ id, output }: AgentEvent & { type: 'tool.result' }): object {
  const content = typeof output === 'string' ? output : JSON.stringify(output ?? null);
  return {
    type: 'TOOL_CALL_RESULT',
    messageId: randomUUID(),
    toolCallId: id,
    content,
    role: 'tool',
  };
}

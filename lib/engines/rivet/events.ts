/** The updates that an ACP agent sends in its turn go in, a run's events come out. */
import type { SessionUpdate, ToolCallUpdate } from '@agentclientprotocol/sdk';
import { isJsonObject } from '../../shared/json.js';
import type { AgentEvent } from '../../shared/run-events.js';

/** Makes events of one turn. */
export interface EventMapper {
  onUpdate(update: SessionUpdate): void;
  /** The agent asks permission for a call: its arguments are complete. */
  onPermissionRequest(call: ToolCallUpdate): void;
  /** The turn is over. */
  end(): void;
}

/** A tool call, as far as it is known. */
interface Call extends ToolCallUpdate {
  /** Its `tool.call` is out. */
  reported: boolean;
  /** Its `tool.result` is out. */
  done: boolean;
}

/**
 * A call is reported when its arguments are there, or when it starts without any: agents announce a call first, and send what
 * it is about afterwards.
 *
 * @see https://agentclientprotocol.com/protocol/tool-calls
 */
export function createEventMapper(push: (event: AgentEvent) => void): EventMapper {
  const calls = new Map<string, Call>();
  const report = (call: Call) => {
    if (call.reported) return;
    call.reported = true;
    const { toolCallId: id, rawInput } = call;
    push({ type: 'tool.call', id, name: toolName(call), arguments: rawInput ?? {} });
  };
  const reportAll = () => {
    for (const call of calls.values()) report(call);
  };
  const merge = (update: ToolCallUpdate, isComplete: boolean) => {
    const call = calls.get(update.toolCallId) ?? { ...update, reported: false, done: false };
    calls.set(update.toolCallId, call);
    for (const [name, value] of Object.entries(update)) {
      if (value !== undefined && value !== null) Object.assign(call, { [name]: value });
    }
    const { status, rawInput } = call;
    const ended = status === 'completed' || status === 'failed';
    if (isComplete || ended || status === 'in_progress' || isFilled(rawInput)) report(call);
    if (!ended || call.done) return;
    call.done = true;
    const is_error = status === 'failed';
    push({ type: 'tool.result', id: call.toolCallId, output: toolOutput(call), is_error });
  };
  return {
    onUpdate(update) {
      switch (update.sessionUpdate) {
        case 'agent_message_chunk':
          if (update.content.type !== 'text' || update.content.text === '') return;
          reportAll();
          push({ type: 'message.delta', delta: update.content.text });
          return;
        case 'tool_call':
        case 'tool_call_update':
          merge(update, false);
      }
    },
    onPermissionRequest: (call) => merge(call, true),
    end: reportAll,
  };
}

/**
 * What serves as a tool's name in ACP. A title is for people and quotes what a tool works on, which must not get onto spans:
 * the title is a name only where the agent has no kind for the tool and the title is a single word.
 */
export function toolName({ kind, title }: ToolCallUpdate): string {
  if (kind && kind !== 'other') return kind;
  return title && /^[\w.:/-]{1,64}$/.test(title) ? title : 'other';
}

function isFilled(input: unknown): boolean {
  if (isJsonObject(input)) return Object.keys(input).length > 0;
  return input !== undefined && input !== null;
}

function toolOutput({ rawOutput, content }: ToolCallUpdate): unknown {
  if (rawOutput !== undefined) return rawOutput;
  const texts = content?.map((part) =>
    part.type === 'content' && part.content.type === 'text' ? part.content.text : undefined,
  );
  return texts?.every((text) => text !== undefined) ? texts.join('') : (content ?? null);
}

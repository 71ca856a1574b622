/** The updates that an ACP agent sends in its turn go in, a run's events come out. */
import { isDeepStrictEqual } from 'node:util';
import type { SessionUpdate, ToolCallUpdate } from '@agentclientprotocol/sdk';
import type { AgentEvent } from '../../shared/run-events.js';
import type { Decision } from '../decisions.js';
import { memberAt } from './rpc.js';
import { createTextDeltas } from './text-deltas.js';

/** Makes events of one turn. */
export interface EventMapper {
  onUpdate(update: SessionUpdate): void;
  /** The agent asks permission for a call: its arguments are complete. */
  onPermissionRequest(call: ToolCallUpdate): void;
  /** The permission was not given, whatever the agent makes of the call. */
  onDenied(toolCallId: string): void;
  /** What the user has decided about the same call in the turn before. */
  decisionOn(toolCallId: string): Decision | undefined;
  /** The user is asked, and the turn is over. */
  onAsked(toolCallId: string): void;
  /** The turn is over. */
  end(): void;
}

/** A tool call, as far as it is known. */
interface Call extends ToolCallUpdate {
  /** Its `tool.call` is out. */
  reported: boolean;
  /** Its `tool.result` is out. */
  done: boolean;
  denied: boolean;
  /** What its program has printed so far. */
  printed: string;
  decision?: Decision | undefined;
}

const DENIED = 'The tool was denied: permission was not given';

/**
 * A call is reported once it is in progress, has ended, is asked for, or the turn ends: while it is pending, agents send its
 * arguments as they grow.
 *
 * A call that the user has approved was told in the turn before: only its result is reported, under the id that it had there.
 *
 * @see https://agentclientprotocol.com/protocol/tool-calls
 */
export function createEventMapper(
  push: (event: AgentEvent) => void,
  decisions: readonly Decision[],
): EventMapper {
  const claim = claimer(decisions);
  const calls = new Map<string, Call>();
  const texts = createTextDeltas();
  const report = (call: Call) => {
    if (call.reported) return;
    call.reported = true;
    texts.reset();
    call.decision = claim(call);
    if (!call.decision?.approved) push({ type: 'tool.call', ...describe(call) });
  };
  const finish = (call: Call) => {
    if (call.done) return;
    call.done = true;
    const is_error = call.denied || call.status === 'failed';
    const output = call.denied ? DENIED : toolOutput(call);
    const id = call.decision?.approved ? call.decision.call.id : call.toolCallId;
    push({ type: 'tool.result', id, output, is_error });
  };
  const finishDenied = () => {
    for (const call of calls.values()) if (call.denied) finish(call);
  };
  const merge = (update: ToolCallUpdate, isComplete: boolean) => {
    const call = calls.get(update.toolCallId) ?? {
      ...update,
      reported: false,
      done: false,
      denied: false,
      printed: '',
    };
    calls.set(update.toolCallId, call);
    call.printed += printedBy(update);
    for (const [name, value] of Object.entries(update)) {
      if (value !== undefined && value !== null) Object.assign(call, { [name]: value });
    }
    const ended = call.status === 'completed' || call.status === 'failed';
    if (isComplete || ended || call.status === 'in_progress') report(call);
    if (ended) finish(call);
  };
  return {
    onUpdate(update) {
      switch (update.sessionUpdate) {
        case 'agent_message_chunk': {
          const delta = update.content.type === 'text' ? texts.next(update.content.text) : '';
          if (delta !== '') push({ type: 'message.delta', delta });
          return;
        }
        case 'agent_thought_chunk': {
          const delta = update.content.type === 'text' ? update.content.text : '';
          if (delta !== '') push({ type: 'reasoning.delta', delta });
          return;
        }
        case 'tool_call':
        case 'tool_call_update':
          merge(update, false);
      }
    },
    onPermissionRequest: (call) => merge(call, true),
    onDenied(toolCallId) {
      const call = calls.get(toolCallId);
      if (call !== undefined) call.denied = true;
    },
    decisionOn: (toolCallId) => calls.get(toolCallId)?.decision,
    onAsked(toolCallId) {
      finishDenied();
      const call = calls.get(toolCallId);
      if (call !== undefined) push({ type: 'tool.approval', ...describe(call) });
    },
    end() {
      for (const call of calls.values()) report(call);
      finishDenied();
    },
  };
}

/** Finds what the user has decided about a call. An approval is good for one call; what was refused once stays refused. */
function claimer(decisions: readonly Decision[]): (call: ToolCallUpdate) => Decision | undefined {
  const open = new Set(decisions);
  return (call) => {
    const { name, arguments: input } = describe(call);
    for (const decision of open) {
      const { call: asked, approved } = decision;
      if (asked.name !== name || !isDeepStrictEqual(asked.arguments, input)) continue;
      if (approved) open.delete(decision);
      return decision;
    }
    return undefined;
  };
}

/**
 * A call without arguments of its own is told by its title, where that says more than the name: agents put a command there. It is
 * then also what an approval is for, which must not be good for another command.
 */
function describe(call: ToolCallUpdate) {
  const { toolCallId: id, title, rawInput } = call;
  const name = toolName(call);
  return { id, name, arguments: rawInput ?? (title && title !== name ? { title } : {}) };
}

/**
 * What serves as a tool's name in ACP. A title is for people and quotes what a tool works on, which must not get onto spans:
 * the title is a name only where the agent has no kind for the tool and the title is a single word.
 */
export function toolName({ kind, title }: ToolCallUpdate): string {
  if (kind && kind !== 'other') return kind;
  return title && /^[\w.:/-]{1,64}$/.test(title) ? title : 'other';
}

/** Adapters whose clients show a terminal send what a program prints beside ACP, in pieces. */
function printedBy({ _meta }: ToolCallUpdate): string {
  const printed = memberAt(_meta, 'terminal_output', 'data');
  return typeof printed === 'string' ? printed : '';
}

function toolOutput({ rawOutput, content, printed }: Call): unknown {
  if (rawOutput !== undefined) return rawOutput;
  if (printed !== '') return printed;
  const texts = content?.map((part) =>
    part.type === 'content' && part.content.type === 'text' ? part.content.text : undefined,
  );
  return texts?.every((text) => text !== undefined) ? texts.join('') : (content ?? null);
}

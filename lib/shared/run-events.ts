/** The events of an agent's run, as they go over the wire, and the id that an event of a kept run has beside it. */

/** First event of a run: the one id that its spans and its result carry, too. */
export interface RunStartEvent {
  readonly type: 'run.start';
  readonly session_id: string;
  /** 32 hex digits; absent where nothing traces. */
  readonly trace_id?: string;
  readonly engine: string;
  /** What `resumeRun()` of `./engines/queue` finds the run by; absent where a run cannot be resumed. */
  readonly run_id?: string;
}

/** Tokens of one call to a model. */
export interface UsageEvent {
  readonly type: 'usage';
  readonly input_tokens: number;
  readonly output_tokens: number;
}

/** Last event of a run. */
export interface RunEndEvent {
  readonly type: 'run.end';
  readonly stop_reason: string;
}

/** A call of a tool: an event of a run, and a part of the assistant's message afterwards. */
export interface ToolCall {
  readonly type: 'tool.call';
  readonly id: string;
  readonly name: string;
  readonly arguments: unknown;
}

/** What a call came to. */
export interface ToolResult {
  readonly type: 'tool.result';
  /** That of the `tool.call`. */
  readonly id: string;
  readonly output: unknown;
  readonly is_error: boolean;
}

/**
 * The engine asks the user before a tool runs, and ends its run with the stop reason `approval`. It comes after the `tool.call`; the
 * next turn's messages have the answer, a {@link ToolApproval}.
 */
export interface ToolApprovalEvent {
  readonly type: 'tool.approval';
  /** That of the `tool.call`. */
  readonly id: string;
  readonly name: string;
  readonly arguments: unknown;
}

/** What the user answered to a {@link ToolApprovalEvent}: a part of the user's message. */
export interface ToolApproval {
  readonly type: 'tool.approval';
  /** That of the `tool.call`, which has no `tool.result` yet. */
  readonly id: string;
  readonly approved: boolean;
}

/** An event of a run: the same object in code and on the wire. */
export type AgentEvent =
  | RunStartEvent
  | { readonly type: 'message.delta'; readonly delta: string }
  /** What the model thinks before it answers: no part of the answer. */
  | { readonly type: 'reasoning.delta'; readonly delta: string }
  | ToolCall
  | ToolResult
  | ToolApprovalEvent
  /** The engine gave up its own session for another one: what it knew besides `messages` may be gone. */
  | { readonly type: 'session.replaced'; readonly from: string; readonly to: string }
  /** A reader was so slow that this many events in front of the next one are no longer kept. */
  | { readonly type: 'events.dropped'; readonly count: number }
  | UsageEvent
  | RunEndEvent;

/** In the global registry: two copies of the package (ESM and CJS) know each other's events. */
const EVENT_ID = Symbol.for('express-agent-envelope.event-id');

/**
 * Gives an event of a kept run, or the failure that ended it, the id that a client may come back with. It stands in the frame of SSE
 * and is no member of the event: an event is its wire shape.
 */
export function withEventId<Event extends AgentEvent | Error>(
  event: Event,
  id: string | undefined,
): Event {
  return id === undefined ? event : Object.defineProperty(event, EVENT_ID, { value: id });
}

/** The id of an event, where its run is kept. */
export function eventIdOf(event: unknown): string | undefined {
  return (event as { readonly [EVENT_ID]?: string })[EVENT_ID];
}

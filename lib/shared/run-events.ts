/** The vocabulary of an agent's run: its events as they go over the wire, its result, and the brand of a run. */
import type { JsonObject } from './json.js';
import { hasMember } from './thrown.js';

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
 * Gives an event of a kept run the id that a client may come back with. It stands in the frame of SSE and is no member of the
 * event: an event is its wire shape.
 */
export function withEventId<Event extends AgentEvent>(event: Event, id: string | undefined): Event {
  return id === undefined ? event : Object.defineProperty(event, EVENT_ID, { value: id });
}

/** The id of an event, where its run is kept. */
export function eventIdOf(event: unknown): string | undefined {
  return (event as { readonly [EVENT_ID]?: string })[EVENT_ID];
}
/** Text of a message. */
export interface TextPart {
  readonly type: 'text';
  readonly text: string;
}

/** An image or a file of the user: its bytes, or where they are. */
export type MediaPart = {
  readonly type: 'image' | 'file';
  /** `type/subtype`; of an image `image/…`. */
  readonly media_type: string;
} & (
  | {
      /** Base64, with the alphabet of RFC 4648 section 4. */ readonly data: string;
      readonly url?: undefined;
    }
  | { /** `http:` or `https:`. */ readonly url: string; readonly data?: undefined }
);

/**
 * A part of a message. The role decides which: text is in any message, images, files and approvals of tools are the user's, calls of
 * tools and their results the assistant's, in the order in which they happened.
 */
export type MessagePart = TextPart | MediaPart | ToolCall | ToolResult | ToolApproval;

/** One message of a conversation. */
export interface AgentMessage {
  readonly role: 'system' | 'user' | 'assistant';
  /** Text, or at least one part. */
  readonly content: string | readonly MessagePart[];
}

/** What a run came to. */
export interface AgentRunResult {
  /** The id of the conversation: the platform's, or else the engine's own. */
  readonly sessionId: string;
  /** The id the engine gave itself. It never replaces `sessionId` when the platform gave one. */
  readonly engineSessionId: string;
  /** 32 hex digits; `undefined` where nothing traces. */
  readonly traceId: string | undefined;
  /** Name of the engine. */
  readonly engine: string;
  /** The answer's text. */
  readonly output: string;
  /**
   * The conversation with the answer as its last message: what the next turn sends. The answer is text; where tools ran, and the
   * engine takes their history back, it is a list of parts.
   */
  readonly messages: readonly AgentMessage[];
  /** Tokens of all calls to a model; `undefined` when the engine reports none. */
  readonly usage: { readonly inputTokens: number; readonly outputTokens: number } | undefined;
  /** Why the run ended, in the engine's own terms, e.g. `stop`, `length`; `approval` where it asks the user before a tool runs. */
  readonly stopReason: string;
  /** The model that answered; `undefined` when the engine reports none. */
  readonly model: string | undefined;
}

/**
 * A run of an engine: iterate its events, or await its result, or both. It starts when it is first iterated or awaited. A
 * consumer that stops iterating ends the run. Events can be read once; where `result` was awaited first, iterating gives them
 * afterwards.
 *
 * Only `run()` makes one: an object of the same shape is an ordinary stream to a bound handler.
 */
export interface AgentRun extends AsyncIterable<AgentEvent> {
  readonly result: Promise<AgentRunResult>;
}

/** In the global registry: two copies of the package (ESM and CJS) know each other's runs. */
const BRAND = Symbol.for('express-agent-envelope.run');

/** Makes a run of an object of its shape. Streams of other libraries have the shape, too: only the brand identifies a run. */
export function brandRun(run: AgentRun): AgentRun {
  return Object.defineProperty(run, BRAND, { value: true });
}

/** True for a run, of whichever copy of the package. Looking does not start it. */
export function isAgentRun(value: unknown): value is AgentRun {
  return hasMember(value, BRAND);
}

/** The result as `data.outputs` of a reply, without the ids: the reply carries them. */
export function toOutputs(result: AgentRunResult): JsonObject {
  const { engine, output, messages, usage, stopReason, model } = result;
  return {
    engine,
    output,
    messages,
    ...(usage && {
      usage: { input_tokens: usage.inputTokens, output_tokens: usage.outputTokens },
    }),
    stop_reason: stopReason,
    ...(model !== undefined && { model }),
  };
}

/** The text of a message, each text part on a line of its own; what is no text is left out. */
export function textOf(content: AgentMessage['content']): string {
  if (typeof content === 'string') return content;
  return content.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n');
}

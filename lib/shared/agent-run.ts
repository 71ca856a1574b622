/** An agent's run and its result; the brand that tells a run from what looks like one. */
import type { JsonObject } from './json.js';
import type { AgentMessage } from './messages.js';
import type { AgentEvent, UsageEvent } from './run-events.js';
import { hasMember } from './thrown.js';

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
 * consumer that stops iterating ends the run. Events can be read once: a second reader gets an `INVALID_OUTPUT`, and ends nothing. Where `result`
 * was awaited first, iterating gives them afterwards.
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

/** The tokens of all calls so far and of another one. */
export function addUsage(
  usage: AgentRunResult['usage'],
  event: UsageEvent,
): NonNullable<AgentRunResult['usage']> {
  return {
    inputTokens: (usage?.inputTokens ?? 0) + event.input_tokens,
    outputTokens: (usage?.outputTokens ?? 0) + event.output_tokens,
  };
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

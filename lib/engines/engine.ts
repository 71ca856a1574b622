/** What an engine is: the contract between `run()` and an adapter. */
import type { JsonObject } from '../shared/json.js';
import type { AgentMessage, MessagePart } from '../shared/messages.js';
import type { AgentEvent } from '../shared/run-events.js';

/**
 * What an engine gets. It has no `sessionId`, so no engine can load history by the platform's id: the whole conversation is
 * in `messages`.
 */
export interface EngineRequest {
  /** The conversation so far, oldest first; the last message is the one to answer. */
  readonly messages: readonly AgentMessage[];
  /** The model to use, in the engine's own notation. @defaultValue the engine's */
  readonly model?: string | undefined;
  /** Whatever else the engine understands. */
  readonly parameters?: Readonly<JsonObject> | undefined;
}

/** What {@link run} takes: an engine's request, and the platform's id of the conversation. */
export interface AgentRunRequest extends EngineRequest {
  /**
   * The platform's id. It marks the run for correlation and is not for state: no engine sees it.
   * Blank and null count as absent. @defaultValue the id of the active session, else the engine's own
   */
  readonly sessionId?: string | null | undefined;
}

/** Something that answers conversations. One engine serves many runs, also at once. */
export interface AgentEngine {
  /** Short name for spans and replies, e.g. `pi`. */
  readonly name: string;
  /** Who runs the model, as `gen_ai.provider.name`. @defaultValue `name` */
  readonly provider?: string | undefined;
  /**
   * Types of message parts that it takes besides text. `run()` refuses any other before `open()`, with a 422 that names the
   * part, so that none is left out silently. With `tool.call` and `tool.result` among them, the answer in the result has
   * the calls of its run, too. An engine that sends `tool.approval` takes all three of them: the user's answer refers to the call.
   * @defaultValue none: it gets every part, and refuses itself what it cannot take; the answer in the result is text
   */
  readonly accepts?: readonly MessagePart['type'][] | undefined;
  /**
   * Opens a session of the engine for one run.
   *
   * @param signal - aborts when the run is to end early, and when it has ended. A listener of it must not throw: Node makes an
   * uncaught exception of it, which ends the process
   */
  open(request: EngineRequest, signal: AbortSignal): Promise<EngineSession>;
}

/** An engine's session, for one run. */
export interface EngineSession {
  /** The id that the engine gave the session itself: 1 to 128 characters of `A-Z a-z 0-9 . _ : -`. */
  readonly id: string;
  /** The model that answers, when the engine knows. */
  readonly model?: string | undefined;
  /** Who runs that model, as `gen_ai.provider.name`. @defaultValue the engine's */
  readonly provider?: string | undefined;
  /** Where the run's events are kept: what a client comes back with for them, and the id of `run.start`. */
  readonly resumable?: { readonly runId: string; readonly startId: string } | undefined;
  /**
   * Answers the last message. `run.start` is not among the events: `run()` makes it. `run.end` is the last one, with the stop
   * reason: `run()` reads no further, and calls `return()`. It takes the reason to be `stop` where it is left out. An event that is
   * none of the vocabulary, or misses a member, fails the run.
   */
  prompt(request: EngineRequest): AsyncIterable<AgentEvent>;
  /**
   * Releases everything. It is called once, on every exit: success, failure, abort, a consumer that stops early. A run waits
   * for it five seconds at most. It must not reject: only OTel's `diag` would report it.
   */
  close(): Promise<void>;
}

/** A span goes in when it starts and when it ends; it comes out with the attributes of its session. */
import { type Context, type Span, trace } from '@opentelemetry/api';
import { openSpan, trackSpan, untrackSpan } from './open-spans.js';
import { activeSlot } from './slot.js';
import { completeSpan, joinSession } from './stamp.js';

/**
 * Stamps every span that starts in a session with `session.id` (OpenTelemetry), its spans of AI with `gen_ai.conversation.id`
 * (GenAI conventions), and each with the `attribute` of each envelope field; `sessionAttributes` of `agentEnvelope()` names others.
 * It exports nothing.
 *
 * The session's id wins: where a library wrote another one under the same attribute, the span ends with the session's, and the
 * other is kept as `engine.session.id`.
 *
 * What can only be known at the end of a span (that it is of AI, that a library has replaced the id, the id that an engine gave) is
 * written by `onEnding`, before any processor sees the end: the order of processors does not matter. SDKs before 2.3 do not
 * have that hook. There it is written by `onEnd`, into the attributes that processors after this one, and those that export in
 * batches, read: register it before them.
 *
 * @example
 * ```ts
 * // BatchSpanProcessor of @opentelemetry/sdk-trace; the one of sdk-trace-base and sdk-trace-node takes the exporter itself.
 * const sdk = new NodeSDK({
 *   spanProcessors: [
 *     new SessionSpanProcessor(),
 *     new BatchSpanProcessor({ exporter: new OTLPTraceExporter() }),
 *   ],
 * });
 * ```
 */
export class SessionSpanProcessor {
  /** The context a span was started with counts first: it may not be the active one. */
  onStart(span: Span, parentContext: Context): void {
    // Registered twice, by hand and by `express-agent-envelope/register`, it works once.
    if (openSpan(span) !== undefined) return;
    const active = activeSlot(parentContext) ?? activeSlot();
    const open = trackSpan(span, trace.getSpan(parentContext));
    const slot = active ?? open.handedOn;
    if (slot !== undefined) joinSession(open, slot);
  }

  /** The last moment at which a span can be written to. */
  onEnding(span: Span): void {
    const open = openSpan(span);
    if (open === undefined || open.ended) return;
    completeSpan(open);
    untrackSpan(open);
  }

  /** For an SDK without `onEnding`. */
  onEnd(span: object): void {
    this.onEnding(span as Span);
  }

  /** Holds nothing back. */
  async forceFlush(): Promise<void> {}

  /** Holds nothing open. */
  async shutdown(): Promise<void> {}
}

/** A span goes in when it starts; it comes out with the attributes of its session. */
import type { Context, Span } from '@opentelemetry/api';
import { activeSlot, type SessionSlot } from './slot.js';
import { guardTracing } from './tracing.js';

/**
 * Stamps every span that starts in a session with `session.id` (OpenTelemetry), `gen_ai.conversation.id` (GenAI
 * conventions) and the `attribute` of each envelope field. It exports nothing: register it before the processors that do.
 *
 * @example
 * ```ts
 * const provider = new NodeTracerProvider({
 *   spanProcessors: [new SessionSpanProcessor(), new BatchSpanProcessor(new OTLPTraceExporter())],
 * });
 * ```
 */
export class SessionSpanProcessor {
  /** The slots of spans that started before their session had an id. */
  readonly #slots = new WeakMap<object, SessionSlot>();

  /** The context a span was started with counts first: it may not be the active one. */
  onStart(span: Span, parentContext: Context): void {
    const slot = activeSlot(parentContext) ?? activeSlot();
    if (slot === undefined) return;
    guardTracing(() => {
      span.setAttributes(slot.attributes);
    });
    if (slot.fields.session_id !== undefined) return;
    slot.waiting ??= new Set();
    slot.waiting.add(span);
    this.#slots.set(span, slot);
  }

  /** An ended span is read-only: it no longer waits for an id. */
  onEnd(span: object): void {
    this.#slots.get(span)?.waiting?.delete(span as Span);
  }

  /** Holds nothing back. */
  async forceFlush(): Promise<void> {}

  /** Holds nothing open. */
  async shutdown(): Promise<void> {}
}

/** The session's attributes go onto spans: those that start in the session, and those that were open before it. */
import {
  type Context,
  context,
  createContextKey,
  type Span,
  type SpanContext,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { activeSlot, type SessionSlot } from './slot.js';

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
    span.setAttributes(slot.attributes);
    if (slot.fields.session_id !== undefined) return;
    slot.waiting ??= new Set();
    slot.waiting.add(span);
    this.#slots.set(span, slot);
  }

  /** It is read-only by now: it waits for no id any more. */
  onEnd(span: object): void {
    this.#slots.get(span)?.waiting?.delete(span as Span);
  }

  /** Holds nothing back. */
  async forceFlush(): Promise<void> {}

  /** Holds nothing open. */
  async shutdown(): Promise<void> {}
}

/** Where HTTP instrumentation keeps the server span (`setRPCMetadata` of `@opentelemetry/core`). */
const RPC_METADATA_KEY = createContextKey('OpenTelemetry SDK Context Key RPC_METADATA');

/**
 * The HTTP server span of a request. `trace.getActiveSpan()` is no answer: Express instrumentation makes the span of the
 * layer the active one. It is, where there is no HTTP instrumentation.
 */
function requestSpan(ctx: Context): Span | undefined {
  const rpc = ctx.getValue(RPC_METADATA_KEY) as { span?: Span } | undefined;
  return rpc?.span ?? trace.getSpan(ctx);
}

/** Stamps the spans that started before the session was known: the request's, and the one that is active in `ctx`. */
export function stampOpenSpans(slot: SessionSlot, ctx: Context = context.active()): void {
  const request = requestSpan(ctx);
  const active = trace.getSpan(ctx);
  stamp(request, slot);
  if (active !== request) stamp(active, slot);
}

function stamp(span: Span | undefined, { attributes }: SessionSlot): void {
  if (span?.isRecording()) span.setAttributes(attributes);
}

/** Trace and span id of the request, for replies; `undefined` where nothing traces. */
export function requestSpanContext(ctx: Context = context.active()): SpanContext | undefined {
  const spanContext = requestSpan(ctx)?.spanContext();
  return spanContext !== undefined && trace.isSpanContextValid(spanContext)
    ? spanContext
    : undefined;
}

/** Marks the request as failed, where its HTTP status cannot tell: it was sent before the failure. */
export function recordFailure(error: unknown): void {
  const span = requestSpan(context.active());
  if (error instanceof Error) span?.recordException(error);
  span?.setStatus({ code: SpanStatusCode.ERROR });
}

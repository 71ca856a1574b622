/** A context goes in; the span of its HTTP request comes out, is stamped with the session, or marked as failed. */
import {
  type Context,
  context,
  createContextKey,
  type Span,
  type SpanContext,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import type { SessionSlot } from './slot.js';
import { guardTracing } from './tracing.js';

/** Where HTTP instrumentation keeps the server span (`setRPCMetadata` of `@opentelemetry/core`). */
const RPC_METADATA_KEY = createContextKey('OpenTelemetry SDK Context Key RPC_METADATA');

/**
 * The HTTP server span of a request. `trace.getActiveSpan()` is no answer: Express instrumentation makes the span of the
 * layer the active one. Where there is no HTTP instrumentation, the active span is the answer.
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

/** Puts the session's attributes onto an open span. */
export function stamp(span: Span | undefined, { attributes }: SessionSlot): void {
  guardTracing(() => {
    if (span?.isRecording()) span.setAttributes(attributes);
  });
}

/** Trace and span id of the request, for replies; `undefined` where nothing traces. */
export function requestSpanContext(ctx: Context = context.active()): SpanContext | undefined {
  return guardTracing(() => {
    const spanContext = requestSpan(ctx)?.spanContext();
    return spanContext && trace.isSpanContextValid(spanContext) ? spanContext : undefined;
  }, undefined);
}

/** Marks the request as failed, where its HTTP status cannot show it: the status was sent before the failure. */
export function recordFailure(error: unknown): void {
  const span = requestSpan(context.active());
  guardTracing(() => {
    if (error instanceof Error) span?.recordException(error);
  });
  guardTracing(() => {
    span?.setStatus({ code: SpanStatusCode.ERROR });
  });
}

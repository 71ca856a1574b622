/** A context goes in; the span of its HTTP request comes out, is stamped with the session, or marked as failed. */
import {
  type Context,
  createContextKey,
  type Span,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { openSpan, openSpansUpTo, trackSpan } from './open-spans.js';
import { diagnoseSpan } from './self-diagnosis.js';
import type { SessionSlot } from './slot.js';
import { joinSession } from './stamp.js';
import { activeContext, guardTracing, idsOf, isRecording, reportTracing } from './tracing.js';

/** Where HTTP instrumentation keeps the server span (`setRPCMetadata` of `@opentelemetry/core`). */
const RPC_METADATA_KEY = createContextKey('OpenTelemetry SDK Context Key RPC_METADATA');

/**
 * The HTTP server span of a request. `trace.getActiveSpan()` is no answer: Express instrumentation makes the span of the
 * layer the active one.
 */
function serverSpan(ctx: Context): Span | undefined {
  return (ctx.getValue(RPC_METADATA_KEY) as { span?: Span } | undefined)?.span;
}

/** The span of a request. Where there is no HTTP instrumentation, the active span. */
function requestSpan(ctx: Context): Span | undefined {
  try {
    return serverSpan(ctx) ?? trace.getSpan(ctx);
  } catch (error) {
    reportTracing(error);
    return undefined;
  }
}

/**
 * Stamps the spans that started before the session was known: the request's, the one that is active in `ctx`, and those between
 * them. Where the request has no span of its own, all that are open around the active one.
 */
export function stampOpenSpans(slot: SessionSlot, ctx: Context = activeContext()): void {
  try {
    const server = serverSpan(ctx);
    const active = trace.getSpan(ctx);
    const spans: (Span | undefined)[] = openSpansUpTo(server, active).map(({ span }) => span);
    // Where no processor of ours is registered, none of them is known as open.
    if (!spans.includes(server)) spans.unshift(server);
    if (!spans.includes(active)) spans.push(active);
    // The outermost first.
    for (const span of spans) stampSpan(slot, span);
  } catch (error) {
    reportTracing(error);
  }
}

/** Stamps one span, if it is open. */
export function stampSpan(slot: SessionSlot, span: Span | undefined): void {
  if (span === undefined || !isRecording(span)) return;
  diagnoseSpan(span);
  joinSession(openSpan(span) ?? trackSpan(span, undefined), slot);
}

/**
 * Takes the active span of `ctx` into the session, and with it what starts under it outside of ours: a queue that traces its job
 * begins before the session is known, and ends after us.
 */
export function adoptSpan(slot: SessionSlot, ctx: Context): void {
  guardTracing(() => {
    const span = trace.getSpan(ctx);
    stampSpan(slot, span);
    const open = openSpan(span);
    if (open?.slot === slot) open.handedOn = slot;
  });
}

/** Trace and span id of the request, for replies; `undefined` where nothing traces. */
export function requestSpanContext(ctx: Context = activeContext()) {
  return idsOf(requestSpan(ctx));
}

/** Marks the request as failed, where its HTTP status cannot show it: the status was sent before the failure. */
export function recordFailure(error: unknown): void {
  const span = requestSpan(activeContext());
  if (span === undefined || !isRecording(span)) return;
  guardTracing(() => {
    if (error instanceof Error) span.recordException(error);
  });
  guardTracing(() => {
    span.setStatus({ code: SpanStatusCode.ERROR });
  });
}

/** Calls to the tracing SDK go in, their results come out, or a stand-in for what throws: tracing never fails a request. */
import {
  type Context,
  diag,
  INVALID_SPAN_CONTEXT,
  type Span,
  type SpanContext,
  type SpanOptions,
  trace,
} from '@opentelemetry/api';

/**
 * Makes one call to the tracing SDK. Spans, their processors and what serializes their attributes are code of others, and
 * may throw.
 *
 * Guard each call by itself: a span whose attributes cannot be set must still be ended.
 *
 * @param fallback - the result when the call throws
 * @returns what `call` returns, or `fallback`; what was thrown is reported through OTel's `diag`
 */
export function guardTracing<T>(call: () => T, fallback: T): T;
export function guardTracing(call: () => void): void;
export function guardTracing<T>(call: () => T, fallback?: T): T | undefined {
  try {
    return call();
  } catch (error) {
    report(error);
    return fallback;
  }
}

/** Whether a span can be written to. New Relic's bridge hands out stand-ins for spans of its own, which have ids and nothing else. */
export function isRecording(span: Span): boolean {
  return guardTracing(() => (span as Partial<Span>).isRecording?.() ?? false, false);
}

/** Trace and span id of a span; `undefined` where it has none that are valid. */
export function idsOf(span: Span | undefined): SpanIds | undefined {
  return guardTracing(() => {
    const ids = span?.spanContext();
    if (!ids || !trace.isSpanContextValid(ids)) return undefined;
    // Read here: what a foreign span gives may throw when it is read.
    const { traceId, spanId, traceFlags } = ids;
    return { traceId, spanId, traceFlags };
  }, undefined);
}
type SpanIds = Pick<SpanContext, 'traceId' | 'spanId' | 'traceFlags'>;

/**
 * Starts a span under `parent`.
 *
 * @param scope - name of the tracer
 * @returns the span; when it cannot be started one that records nothing, with the ids of the parent: what is started under it
 * stays in the trace
 */
export function startSpan(
  name: string,
  options: SpanOptions,
  parent: Context,
  scope = 'express-agent-envelope',
): Span {
  try {
    const span = trace.getTracer(scope).startSpan(name, options, parent);
    if (typeof span?.spanContext === 'function') return span;
    throw new TypeError('The tracer has started no span');
  } catch (error) {
    report(error);
    return trace.wrapSpanContext(idsOf(trace.getSpan(parent)) ?? INVALID_SPAN_CONTEXT);
  }
}

function report(error: unknown): void {
  try {
    diag.error('express-agent-envelope: tracing failed', error);
  } catch {
    // The logger is code of others, too.
  }
}

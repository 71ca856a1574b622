/** Calls to the tracing SDK go in, their results come out, or a stand-in for what throws: tracing never fails a request. */
import {
  type Context,
  context,
  diag,
  INVALID_SPAN_CONTEXT,
  ROOT_CONTEXT,
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
    reportTracing(error);
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
    reportTracing(error);
    const outer = guardTracing(() => trace.getSpan(parent), undefined);
    return trace.wrapSpanContext(idsOf(outer) ?? INVALID_SPAN_CONTEXT);
  }
}

/** The active context. Where the context manager fails: the root. */
export function activeContext(): Context {
  try {
    return context.active() ?? ROOT_CONTEXT;
  } catch (error) {
    reportTracing(error);
    return ROOT_CONTEXT;
  }
}

/** A function on its way through the context manager. */
interface Call<T> {
  readonly fn: () => T;
  begun: boolean;
  done: boolean;
  result: T | undefined;
}

/** Runs `fn` in `ctx`; where the context manager fails, outside of it. Once, whatever fails, and when. */
export function withContext<T>(ctx: Context, fn: () => T): T {
  const call: Call<T> = { fn, begun: false, done: false, result: undefined };
  try {
    // As an argument: a closure would be made for each request.
    context.with(ctx, begin, undefined, call);
  } catch (error) {
    if (call.begun && !call.done) throw error;
    reportTracing(error);
  }
  return call.begun ? (call.result as T) : fn();
}

function begin(call: Call<unknown>): void {
  call.begun = true;
  call.result = call.fn();
  call.done = true;
}

/** Says through OTel's `diag` what the tracing SDK threw. */
export function reportTracing(error: unknown): void {
  try {
    diag.error('express-agent-envelope: tracing failed', error);
  } catch {
    // The logger is code of others, too.
  }
}

/** A tracer for the SDK comes out, which knows the spans that the SDK leaves open, and throws nothing into it. */
import { type Context, type Span, type SpanOptions, type Tracer, trace } from '@opentelemetry/api';
import {
  activeContext,
  guardTracing,
  isRecording,
  startSpan,
  withContext,
} from '../../session/tracing.js';
import { endSpan } from '../guarded-span.js';

/**
 * Makes the tracer of one answer. The AI SDK 5 and 6 never end `ai.streamText.doStream` when an answer is aborted, nor any span when
 * its reader leaves: such a span would be exported never.
 *
 * @returns `end` ends what is still open
 * @see https://github.com/vercel/ai/pull/15651 for `ai` 7
 */
export function createTracer(): { readonly tracer: Tracer; end(): void } {
  const started: Span[] = [];
  const start: Tracer['startSpan'] = (name, options = {}, parent = activeContext()) => {
    const span = startSpan(name, options, parent, 'ai');
    started.push(span);
    return span;
  };
  const startActiveSpan = (name: string, ...rest: unknown[]): unknown => {
    const run = rest.pop() as (span: Span) => unknown;
    // Which of its overloads it is, is the caller's to say.
    const [options, parent = activeContext()] = rest as [SpanOptions?, Context?];
    const span = start(name, options, parent);
    return withContext(trace.setSpan(parent, span), () => run(guarded(span)));
  };
  return {
    tracer: {
      startSpan: (...args) => guarded(start(...args)),
      startActiveSpan: startActiveSpan as Tracer['startActiveSpan'],
    },
    end() {
      for (const span of started) if (isRecording(span)) endSpan(span);
    },
  };
}

/** The span, for code that would fail where it throws. */
function guarded(span: Span): Span {
  return new Proxy({} as Span, {
    get: (_stand, name) =>
      guardTracing(() => {
        const member: unknown = Reflect.get(span, name);
        if (typeof member !== 'function') return member;
        return (...args: unknown[]) =>
          guardTracing(() => Reflect.apply(member, span, args), undefined);
      }, undefined),
  });
}

/** A tracer for the SDK comes out, which knows the spans that the SDK leaves open. */
import { type Span, type Tracer, trace } from '@opentelemetry/api';
import { endSpan } from '../guarded-span.js';

/**
 * Makes the tracer of one answer. The AI SDK 5 and 6 never end `ai.streamText.doStream` when an answer is aborted, nor any span when
 * its reader leaves: such a span would be exported never.
 *
 * @returns `end` ends what is still open
 * @see https://github.com/vercel/ai/pull/15651 for `ai` 7
 */
export function createTracer(): { readonly tracer: Tracer; end(): void } {
  const own = trace.getTracer('ai');
  const started: Span[] = [];
  const keep = (span: Span): Span => {
    started.push(span);
    return span;
  };
  const startSpan: Tracer['startSpan'] = (...args) => keep(own.startSpan(...args));
  const startActiveSpan = (name: string, ...rest: unknown[]): unknown => {
    const run = rest.pop() as (span: Span) => unknown;
    // Which of its overloads it is, is the caller's to say.
    return Reflect.apply(own.startActiveSpan, own, [
      name,
      ...rest,
      (span: Span) => run(keep(span)),
    ]);
  };
  return {
    tracer: { startSpan, startActiveSpan: startActiveSpan as Tracer['startActiveSpan'] },
    end() {
      for (const span of started) if (span.isRecording()) endSpan(span);
    },
  };
}

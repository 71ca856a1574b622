/** A span and what is to be written on it go in; a tracer that throws does no harm. */
import { type Attributes, type Span, SpanStatusCode } from '@opentelemetry/api';
import { guardTracing } from '../session/tracing.js';

export function setAttributes(span: Span | undefined, attributes: Attributes): void {
  guardTracing(() => void span?.setAttributes(attributes));
}

/** @param at - when what it is about had ended. @defaultValue now */
export function endSpan(span: Span | undefined, at?: Date): void {
  guardTracing(() => span?.end(at));
}

/** The type only: a message may quote the conversation. */
export function failSpan(span: Span | undefined, type: string): void {
  guardTracing(() => span?.setAttribute('error.type', type));
  guardTracing(() => span?.setStatus({ code: SpanStatusCode.ERROR }));
}

import { jest } from '@jest/globals';
import { context, DiagLogLevel, diag, type Span, trace } from '@opentelemetry/api';
import { guardTracing, isRecording, startSpan } from '../../lib/session/tracing.js';

const broken = () => {
  throw new Error('no tracing today');
};

describe('guardTracing()', () => {
  const reported: unknown[][] = [];
  beforeEach(() => {
    reported.length = 0;
    const log = (...args: unknown[]) => void reported.push(args);
    const logger = { error: log, warn: log, info: log, debug: log, verbose: log };
    diag.setLogger(logger, { logLevel: DiagLogLevel.ERROR, suppressOverrideMessage: true });
  });
  afterEach(() => diag.disable());

  it('returns what the call returns', () => {
    expect(guardTracing(() => 1, 2)).toBe(1);
    expect(reported).toEqual([]);
  });

  it('returns the fallback when the call throws, and reports the error', () => {
    expect(guardTracing(broken, 2)).toBe(2);
    expect(reported).toEqual([
      [
        'express-agent-envelope: tracing failed',
        expect.objectContaining({ message: 'no tracing today' }),
      ],
    ]);
  });

  it('survives a logger that throws', () => {
    const logger = { error: broken, warn: broken, info: broken, debug: broken, verbose: broken };
    diag.setLogger(logger, { logLevel: DiagLogLevel.ERROR, suppressOverrideMessage: true });
    expect(guardTracing(broken, 2)).toBe(2);
  });
});

describe('isRecording()', () => {
  const span = (isRecording?: () => boolean) => ({ isRecording }) as unknown as Span;

  it.each([
    ['an open span', span(() => true), true],
    ['an ended one', span(() => false), false],
    ['a stand-in that has ids only', {} as Span, false],
  ])('%s', (_what, subject, expected) => {
    const error = jest.spyOn(diag, 'error');
    expect(isRecording(subject)).toBe(expected);
    expect(error).not.toHaveBeenCalled();
  });

  it('is false for a span that throws', () => {
    expect(isRecording(span(broken))).toBe(false);
  });
});

describe('startSpan()', () => {
  afterEach(() => trace.disable());

  it('gives a span that records nothing, with the ids of the parent, when none can be started', () => {
    trace.setGlobalTracerProvider({ getTracer: () => ({ startSpan: broken }) } as never);
    const ids = { traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1 };
    const parent = trace.setSpanContext(context.active(), ids);
    const span = startSpan('work', {}, parent);
    expect(span.isRecording()).toBe(false);
    expect(span.spanContext()).toEqual(ids);
  });

  it('gives one without ids where there is no parent, either', () => {
    trace.setGlobalTracerProvider({ getTracer: broken } as never);
    const span = startSpan('work', {}, context.active());
    expect(trace.isSpanContextValid(span.spanContext())).toBe(false);
  });
});

/** OpenTelemetry for one variant: its own span processor, HTTP instrumentation on, nothing exported. */
import { createRequire } from 'node:module';
import { requireOthers } from './packages.js';

export const sink = {
  onStart() {},
  onEnd() {},
  forceFlush: async () => {},
  shutdown: async () => {},
};
const exporter = { export: (_spans, done) => done({ code: 0 }), shutdown: async () => {} };

/** The context key of the hand-written middleware. */
export const SESSION_KEY = Symbol.for('bench.session');

/** Makes the span processor of a variant; `lib` is the build of ours that is measured. */
const PROCESSORS = {
  'hand-written': () => ({
    ...sink,
    onStart(span, ctx) {
      const id = ctx.getValue(SESSION_KEY);
      if (id !== undefined) span.setAttribute('session.id', id);
    },
  }),
  ours: (lib) => new lib.SessionSpanProcessor(),
  // It is an exporter's processor, too: what it costs when nothing of AI is exported.
  langfuse() {
    const { LangfuseSpanProcessor } = requireOthers('@langfuse/otel');
    const keys = { publicKey: 'pk', secretKey: 'sk' };
    return new LangfuseSpanProcessor({ ...keys, exporter, mediaUploadEnabled: false });
  },
  // What its own tracer does with each span.
  openinference() {
    const { getAttributesFromContext } = requireOthers('@arizeai/openinference-core');
    return {
      ...sink,
      onStart: (span, ctx) => void span.setAttributes(getAttributesFromContext(ctx)),
    };
  },
  baggage() {
    const { ALLOW_ALL_BAGGAGE_KEYS, BaggageSpanProcessor } = requireOthers(
      '@opentelemetry/baggage-span-processor',
    );
    return new BaggageSpanProcessor(ALLOW_ALL_BAGGAGE_KEYS);
  },
};

/** Loads the build at `path`, and registers the tracing of `variant` with the packages that this build finds. */
export async function register(variant, path) {
  const require = createRequire(path);
  const lib = await import(path);
  const { NodeTracerProvider } = require('@opentelemetry/sdk-trace-node');
  const { HttpInstrumentation } = require('@opentelemetry/instrumentation-http');
  const processor = PROCESSORS[variant]?.(lib);
  const spanProcessors = processor === undefined ? [sink] : [processor, sink];
  new NodeTracerProvider({ spanProcessors }).register();
  new HttpInstrumentation();
  // Express is required by who is given this, after the instrumentation, which patches what is loaded from now on.
  return { require, lib, api: require('@opentelemetry/api') };
}

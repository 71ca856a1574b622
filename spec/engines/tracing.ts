/** Real tracing for a spec: every span that finishes is kept. */
import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { SessionSpanProcessor } from '../../lib/index.js';

export function startTracing() {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({
    spanProcessors: [new SessionSpanProcessor(), new SimpleSpanProcessor(exporter)],
  });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  trace.setGlobalTracerProvider(provider);
  return {
    finishedSpans: () => exporter.getFinishedSpans(),
    reset: () => exporter.reset(),
    async stop() {
      context.disable();
      trace.disable();
      await provider.shutdown();
    },
  };
}

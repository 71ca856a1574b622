/** The tracing of every recipe that brings none: NodeTracerProvider, ours, and an exporter that writes into the file OUT. */
import { appendFileSync } from 'node:fs';
import './layers.mjs';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import { SessionSpanProcessor } from 'express-agent-envelope';

const writer = {
  export(spans, done) {
    for (const span of spans) {
      const line = {
        span: span.name,
        scope: span.instrumentationScope.name,
        traceId: span.spanContext().traceId,
        attributes: span.attributes,
      };
      appendFileSync(process.env.OUT, `${JSON.stringify(line)}\n`);
    }
    done({ code: 0 });
  },
  shutdown: async () => undefined,
};
new NodeTracerProvider({
  spanProcessors: [new SessionSpanProcessor(), new SimpleSpanProcessor(writer)],
}).register();
registerInstrumentations({ instrumentations: [new HttpInstrumentation()] });

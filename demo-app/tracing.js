/** OpenTelemetry for each process of the demo. Loaded with `--import`, before the app: what is loaded earlier cannot be instrumented. */
import { register } from 'node:module';
import { basename } from 'node:path';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { ExpressInstrumentation, ExpressLayerType } from '@opentelemetry/instrumentation-express';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { SessionSpanProcessor } from 'express-agent-envelope';
import { LineSpanExporter } from './line-span-exporter.js';
import { FeedAnnouncer, FeedExporter } from './span-feed.js';

// Only what is instrumented: the loader hook rewrites every other ES module, too, and some do not survive it.
register('@opentelemetry/instrumentation/hook.mjs', import.meta.url, {
  data: { include: ['express', 'http', 'node:http'] },
});

const script = basename(process.argv[1] ?? '') === 'runner.js' ? 'runner' : 'gateway';
// Of several gateways or workers each has its number.
const { PROCESS_NAME = script } = process.env;

const provider = new NodeTracerProvider({
  resource: resourceFromAttributes({
    'service.name': PROCESS_NAME.split(' ')[0],
    'service.instance.id': PROCESS_NAME,
  }),
  spanProcessors: [
    // First: the others are to see the id it stamps.
    new SessionSpanProcessor(),
    new FeedAnnouncer(),
    new SimpleSpanProcessor(new FeedExporter()),
    new SimpleSpanProcessor(new LineSpanExporter()),
    ...(process.env.OTEL_EXPORTER_OTLP_ENDPOINT
      ? [new BatchSpanProcessor(new OTLPTraceExporter())]
      : []),
  ],
});
provider.register();
// What waits in the batch still goes to the collector.
process.once('beforeExit', () => provider.shutdown());

registerInstrumentations({
  instrumentations: [
    // The page, its settings and its span feed are no POST: they would fill the traces with themselves.
    new HttpInstrumentation({ ignoreIncomingRequestHook: ({ method }) => method !== 'POST' }),
    // The span of a middleware ends with the middleware: on a first turn, before an engine has settled the id.
    new ExpressInstrumentation({ ignoreLayersType: [ExpressLayerType.MIDDLEWARE] }),
  ],
});

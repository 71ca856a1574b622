/** Beside a recipe that has none of it: a span of each layer of Express. None of them is one of AI. */
import { register } from 'node:module';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { ExpressInstrumentation } from '@opentelemetry/instrumentation-express';

register('@opentelemetry/instrumentation/hook.mjs', import.meta.url, {
  data: { include: ['express', 'http', 'node:http'] },
});
registerInstrumentations({ instrumentations: [new ExpressInstrumentation()] });

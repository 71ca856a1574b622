// tracing.mjs: node --import ./tracing.mjs app.mjs, with TRACELOOP_API_KEY set
import 'express-agent-envelope/register'; // its SDK takes one processor: ours joins it here
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { initialize } from '@traceloop/node-server-sdk';
import OpenAI from 'openai';

initialize({ appName: 'my-agent', instrumentModules: { openAI: OpenAI } });
registerInstrumentations({ instrumentations: [new HttpInstrumentation()] });

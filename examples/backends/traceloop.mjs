// tracing.mjs: node --import ./tracing.mjs app.mjs, with TRACELOOP_API_KEY set
import 'express-agent-envelope/register'; // its SDK takes one processor: ours joins it here
import { initialize } from '@traceloop/node-server-sdk';
import OpenAI from 'openai';

initialize({ appName: 'my-agent', instrumentModules: { openAI: OpenAI } });

/** A worker of the queue: it runs Pi for the gateways, in a process of its own. Its feed tells its spans. */
import express from 'express';
import { runWorker } from 'express-agent-envelope/engines/queue';
import { piEngine } from './engines/pi.js';
import { serve } from './serve.js';
import { serveSpans } from './span-feed.js';

const { PORT, PROCESS_NAME, REDIS_SOCKET } = process.env;
const worker = runWorker(piEngine, { connection: { path: REDIS_SOCKET } });
process.once('SIGINT', () => worker.close()).once('SIGTERM', () => worker.close());

const app = express();
app.get('/spans', serveSpans);
const url = await serve(app, Number(PORT));
console.log(`${PROCESS_NAME}  ${url}`);

/** The runner: the same envelope behind `POST /run`, in a process of its own. The gateway's engine `remote` calls it. */
import express from 'express';
import { agentEnvelope, bind, problemDetails } from 'express-agent-envelope';
import { run } from 'express-agent-envelope/engines';
import { inputs, toRequest } from './conversation.js';
import { piEngine } from './engines/pi.js';
import { serve } from './serve.js';
import { serveSpans } from './span-feed.js';

const app = express();
app.get('/spans', serveSpans);
app.use(agentEnvelope());
app.post(
  '/run',
  bind({ inputs, parameters: { type: 'object' } }, (bound, { signal }) =>
    run(piEngine, toRequest(bound), { signal }),
  ),
);
app.use(problemDetails());

const url = await serve(app, Number(process.env.RUNNER_PORT ?? 3001));
console.log(`runner   ${url}  (a gateway that uses it: RUNNER_URL=${url} npm run demo)`);

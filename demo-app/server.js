/** The gateway: an agent behind `POST /invoke` and `POST /stream`, and the page that shows what becomes of the session id. */
import { fileURLToPath } from 'node:url';
import express from 'express';
import { agentEnvelope, bind, problemDetails } from 'express-agent-envelope';
import { run } from 'express-agent-envelope/engines';
import { remote } from 'express-agent-envelope/engines/remote';
import { bundle } from './bundle.js';
import { addChatRoute } from './chat.js';
import { inputs, parametersFor, toRequest } from './conversation.js';
import { failingEngine } from './engines/failing.js';
import { models, piEngine } from './engines/pi.js';
import { rivetEngine } from './engines/rivet.js';
import { picture, takePicture } from './picture.js';
import { addPlainRoutes } from './plain.js';
import { serve } from './serve.js';
import { serveSpans } from './span-feed.js';

const { PORT = '3000', PROCESS_NAME, QUEUE, RUNNER_URL = 'http://127.0.0.1:3001' } = process.env;
const runnerUrl = RUNNER_URL.replace(/\/+$/, '');
/** `npm run demo:queue` says where the others are. The packages of the queue are loaded there alone. */
const machines = QUEUE && { ...JSON.parse(QUEUE), ...(await import('./queue.js')) };
const engines = {
  ...(machines && { queue: machines.queueEngine }),
  pi: piEngine,
  rivet: rivetEngine,
  ...(!machines && { remote: remote({ url: `${runnerUrl}/run`, timeoutMs: 20_000 }) }),
};
const runnerFeed = { service: 'runner', url: `${runnerUrl}/spans` };

// Of two gateways one has the page.
const hasPage = machines?.page ?? true;

const app = express();
if (hasPage) {
  app.use(express.static(fileURLToPath(new URL('public', import.meta.url))));
  // It is in a cache, whose name begins with a dot.
  app.get('/packages.js', async (_req, res) => {
    res.sendFile(await bundle(), { dotfiles: 'allow' });
  });
}
machines?.addQueueRoutes(app);
app.get('/spans', serveSpans);
app.get('/config', (_req, res) => {
  res.json({
    engines: Object.keys(engines),
    models,
    picture,
    runner: machines ? undefined : runnerUrl,
    feeds: [
      { service: PROCESS_NAME ?? 'gateway', url: '/spans' },
      ...(machines?.feeds ?? [runnerFeed]),
    ],
    runs: machines?.runs,
    otlp: process.env.OTEL_EXPORTER_OTLP_ENDPOINT,
  });
});
addPlainRoutes(app, engines);
addChatRoute(app, engines);

app.use(agentEnvelope());

// The handlers ask for the data alone; the session id finds its way by itself.
const turn = { inputs, parameters: parametersFor(Object.keys(engines)) };
const answer = (bound, { signal }) =>
  run(engines[bound.parameters.engine ?? 'pi'], toRequest(bound), { signal });

app.post('/invoke', bind(turn, answer));
app.post(
  '/stream',
  // A run is what the client accepts, a value or a stream; a generator is always a stream.
  bind(turn, async function* (bound, io) {
    yield* answer(bound, io);
  }),
);

app.post(
  '/break/handler',
  bind([], () => {
    throw new Error('the handler read /etc/app/secret.json');
  }),
);
app.post(
  '/break/engine',
  bind(turn, (bound, { signal }) => run(failingEngine, toRequest(bound), { signal })),
);
app.use(problemDetails());

const url = await serve(app, Number(PORT));
console.log(machines ? `${PROCESS_NAME}  ${url}` : `gateway  ${url}  (runner: ${runnerUrl})`);
if (hasPage) await takePicture(url);

// The app of every recipe, as ES modules. It knows nothing of tracing: that is loaded first, by --import or --require.
import { setTimeout as delay } from 'node:timers/promises';
import express from 'express';
import { agentEnvelope, bind, problemDetails } from 'express-agent-envelope';

const app = express();
app.use(agentEnvelope());
app.post(
  '/invoke',
  bind(['session_id', 'ms'], async ({ session_id, ms = 0 }) => {
    console.log(`asked in ${session_id}`);
    await delay(ms); // the model's time
    return `done in ${session_id}`;
  }),
);
app.use(problemDetails());

const server = app.listen(process.env.PORT ?? 3000, '127.0.0.1');
server.on('listening', () => console.log(`http://127.0.0.1:${server.address().port}/invoke`));

// No new request, and the running ones to their end; then the process has nothing left to do and ends by itself. With
// process.exit() here the last spans would be lost: tracing sends them on `beforeExit`.
process.once('SIGTERM', () => {
  server.close();
  setInterval(() => server.closeIdleConnections(), 100).unref();
  setTimeout(() => server.closeAllConnections(), 10_000).unref();
});

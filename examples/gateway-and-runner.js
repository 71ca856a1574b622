/**
 * A gateway that clients talk to, and a runner that runs the engine: the same envelope, and so one id, on both. They would be
 * two processes; `remote()` needs nothing but the runner's URL.
 *
 *   npm run ready && node examples/gateway-and-runner.js
 *   curl -i localhost:3000/chat -H 'content-type: application/json' \
 *     -d '{"session_id":"conv-42","data":{"inputs":{"messages":[{"role":"user","content":"Hello"}]}}}'
 */
import { once } from 'node:events';
import express from 'express';
import { agentEnvelope, bind, problemDetails } from 'express-agent-envelope';
import { run } from 'express-agent-envelope/engines';
import { pi } from 'express-agent-envelope/engines/pi';
import { remote } from 'express-agent-envelope/engines/remote';

/** Both are the same app around another engine. */
function appOf(engine) {
  const app = express();
  app.use(agentEnvelope());
  app.post(
    '/chat',
    bind(['messages'], ({ messages }, { signal }) => run(engine, { messages }, { signal })),
  );
  app.use(problemDetails());
  return app;
}
async function listen(app, port) {
  const server = app.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${server.address().port}/chat`;
}

// Pi's own test model: no key, no network. In earnest: pi({ model: 'anthropic/claude-sonnet-4-5' })
const runner = await listen(appOf(pi({ model: 'faux' })), process.env.RUNNER_PORT ?? 3001);
console.log(`runner ${runner}`);
console.log(await listen(appOf(remote({ url: runner })), process.env.PORT ?? 3000));

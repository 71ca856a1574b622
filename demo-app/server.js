/** The demo: one agent behind two routes. Started by `npm run demo`. */

import express from 'express';
import { agentEnvelope, bind, problemDetails } from 'express-agent-envelope';
import { answer } from './agent.js';

const app = express();
app.use(agentEnvelope());

app.post(
  '/invoke',
  bind(['inputs'], async ({ inputs }, { signal }) => {
    let text = '';
    for await (const word of answer(inputs, signal)) text += word;
    return text.trim();
  }),
);

app.post(
  '/stream',
  bind(['inputs'], ({ inputs }, { signal }) => answer(inputs, signal)),
);

app.use(problemDetails());

const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  const url = `http://127.0.0.1:${server.address().port}`;
  const curl = (path) =>
    `curl -iN ${url}${path} -H 'content-type: application/json' ` +
    `-d '{"session_id":"conv-42","data":{"inputs":{"question":"Who are you?"}}}'`;
  console.log(`The demo listens on ${url}\n\n  ${curl('/invoke')}\n\n  ${curl('/stream')}\n`);
});

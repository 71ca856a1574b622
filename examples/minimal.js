/**
 * The least there is: the session id comes with the request, and goes out with the reply.
 *
 *   npm run ready && node examples/minimal.js
 *   curl -i localhost:3000/invoke -H 'content-type: application/json' \
 *     -d '{"session_id":"conv-42","data":{"inputs":{"question":"Who are you?"}}}'
 */
import express from 'express';
import { agentEnvelope, bind, problemDetails } from 'express-agent-envelope';

const app = express();
app.use(agentEnvelope());
app.post(
  '/invoke',
  bind(['session_id', 'question'], ({ session_id, question }) => {
    if (question === undefined) throw new Error('The client sees only that this went wrong');
    return `In ${session_id ?? 'no session'} somebody asked: ${question}`;
  }),
);
app.use(problemDetails());

const server = app.listen(process.env.PORT ?? 3000, '127.0.0.1');
server.on('listening', () => console.log(`http://127.0.0.1:${server.address().port}/invoke`));

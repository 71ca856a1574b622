/**
 * On a router of an app that is there already, after its headers, its log and its login. A session belongs to the user who
 * began it: an id alone opens nothing. The rest of the app keeps its own bodies and its own errors.
 *
 *   npm run ready && node examples/existing-app.js
 *   curl -i localhost:3000/agent/invoke -H 'authorization: Bearer of-ann' -H 'content-type: application/json' \
 *     -d '{"inputs":{"question":"Who are you?"}}'
 */
import express from 'express';
import { agentEnvelope, bind, problemDetails } from 'express-agent-envelope';

const users = { 'Bearer of-ann': 'ann', 'Bearer of-bob': 'bob' };
const owners = new Map(); // the user of each session; in earnest, a database
const authorize = (id, req) => owners.get(id) === req.user;

const agent = express.Router();
agent.use(agentEnvelope({ absentSession: 'mint', authorize }));
agent.post(
  '/invoke',
  bind(['session_id', 'question'], ({ session_id, question }, { req }) => {
    owners.set(session_id, req.user); // the session is new, or `authorize` has found it to be this user's
    return `Hello ${req.user}, you asked: ${question}`;
  }),
);
agent.use(problemDetails());

const app = express();
app.use((req, res, next) => {
  res.set('x-content-type-options', 'nosniff');
  res.on('finish', () => console.log(req.method, req.originalUrl, res.statusCode));
  next();
});
app.get('/health', (_req, res) => res.send('fine'));
app.use((req, res, next) => {
  req.user = users[req.get('authorization')];
  return req.user ? next() : res.sendStatus(401);
});
app.use('/agent', agent);
const server = app.listen(process.env.PORT ?? 3000, '127.0.0.1');
server.on('listening', () => console.log(`http://127.0.0.1:${server.address().port}/agent/invoke`));

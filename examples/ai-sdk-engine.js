/**
 * A model through the AI SDK, with a tool that asks the user first: the run ends with `tool.approval`, and the next turn decides.
 * In place of the scripted model, put one of a provider's package: `anthropic('claude-sonnet-4-5')`, say.
 *
 *   npm run ready && node examples/ai-sdk-engine.js
 *   curl -N localhost:3000/chat -H 'content-type: application/json' \
 *     -d '{"session_id":"conv-42","data":{"inputs":{"messages":[{"role":"user","content":"Delete it"}]}}}'
 *   # The next turn: the `messages` of this reply, and
 *   #   {"role":"user","content":[{"type":"tool.approval","id":"c1","approved":true}]}
 */
import { jsonSchema, tool } from 'ai';
import express from 'express';
import { agentEnvelope, bind, problemDetails } from 'express-agent-envelope';
import { run } from 'express-agent-envelope/engines';
import { aiSdk } from 'express-agent-envelope/engines/ai-sdk';
import { model } from './scripted-model.mjs';

const properties = { file: { type: 'string' } };
const remove = tool({
  inputSchema: jsonSchema({ type: 'object', properties, required: ['file'] }),
  needsApproval: true,
  execute: ({ file }) => `${file} is gone`,
});
const engine = aiSdk({ model, tools: { remove }, approvals: 'ask' });

const app = express();
app.use(agentEnvelope());
app.post(
  '/chat',
  bind(['messages'], ({ messages }, { signal }) => run(engine, { messages }, { signal })),
);
app.use(problemDetails());
const server = app.listen(process.env.PORT ?? 3000, '127.0.0.1');
server.on('listening', () => console.log(`http://127.0.0.1:${server.address().port}/chat`));

/**
 * Schemas check what comes in (422) and what goes out (500); a second field beside the session id has one of its own (400).
 *
 *   npm run ready && node examples/schemas.js
 *   curl -i localhost:3000/sum -H 'content-type: application/json' \
 *     -d '{"session_id":"conv-42","tenant":"acme","data":{"inputs":{"numbers":[1,2.5]},"parameters":{"round":true}}}'
 */
import express from 'express';
import { agentEnvelope, bind, problemDetails, sessionId } from 'express-agent-envelope';
import { Type } from 'typebox';

const tenant = { name: 'tenant', schema: { enum: ['acme', 'globex'] }, attribute: 'app.tenant' };
const sum = {
  tenant: true,
  inputs: Type.Object({ numbers: Type.Array(Type.Number(), { minItems: 1 }) }),
  // TypeBox or plain JSON Schema: they mean the same.
  parameters: { type: 'object', properties: { round: { type: 'boolean' } } },
  outputs: Type.Object({ tenant: Type.String(), sum: Type.Number({ maximum: 100 }) }),
};

const app = express();
app.use(agentEnvelope({ fields: [sessionId, tenant] }));
app.post(
  '/sum',
  bind(sum, ({ tenant = 'acme', inputs, parameters }) => {
    const exact = inputs.numbers.reduce((a, b) => a + b);
    return { tenant, sum: parameters.round ? Math.round(exact) : exact };
  }),
);
app.use(problemDetails());
const server = app.listen(process.env.PORT ?? 3000, '127.0.0.1');
server.on('listening', () => console.log(`http://127.0.0.1:${server.address().port}/sum`));

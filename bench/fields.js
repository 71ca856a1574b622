/**
 * Routes that time the middleware alone, from the parsed body to the handler's first line, with a number of envelope fields. In
 * CPU time: a wall clock would measure whatever else the machine does. The hand-written one shows what the size of the body does to any code: it has pushed everything out of the processor's caches.
 */
import { cpu } from './child-process.js';
import { SESSION_KEY } from './tracing.js';

/** Numbers of envelope fields; `POST /fields/4` is the route with four. */
export const FIELDS = [1, 4, 16];

const declared = (count) =>
  Array.from({ length: count - 1 }, (_, i) => ({
    name: `field_${i}`,
    schema: { type: 'string', maxLength: 64 },
    attribute: `app.field_${i}`,
  }));

/** Mounts the routes before any parser of the app; returns the list that the timings, in microseconds, are put into. */
export function mountFields(variant, app, express, tracing) {
  const timings = [];
  const parse = express.json({ limit: '2mb' });
  let started;
  const begin = (_req, _res, next) => {
    started = cpu();
    next();
  };
  const end = () => timings.push(cpu() - started);
  for (const count of FIELDS) {
    const chain = MIDDLEWARES[variant](declared(count), end, tracing);
    app.post(`/fields/${count}`, parse, begin, ...chain);
  }
  return timings;
}

/** By variant: the middleware and the handler that calls `end`. */
const MIDDLEWARES = {
  ours(fields, end, { lib: { agentEnvelope, bind, sessionId } }) {
    const names = ['session_id', ...fields.map(({ name }) => name), 'inputs'];
    const handler = () => {
      end();
      return null;
    };
    return [agentEnvelope({ fields: [sessionId, ...fields] }), bind(names, handler)];
  },

  'hand-written'(fields, end, { api: { context, trace }, require }) {
    const { Ajv } = require('ajv');
    const properties = Object.fromEntries(fields.map(({ name, schema }) => [name, schema]));
    const validate = new Ajv().compile({ type: 'object', properties });
    const middleware = ({ body }, res, next) => {
      if (!validate(body)) throw validate.errors;
      const { data, ...values } = body;
      res.locals.inputs = data.inputs;
      res.setHeader('x-session-id', values.session_id);
      const span = trace.getActiveSpan();
      span?.setAttribute('session.id', values.session_id);
      for (const { name, attribute } of fields) span?.setAttribute(attribute, values[name]);
      context.with(context.active().setValue(SESSION_KEY, values), next);
    };
    const handler = (_req, res) => {
      end();
      res.json(null);
    };
    return [middleware, handler];
  },
};

/** A body of about `bytes` with every field that the largest route declares. */
export function bodyOf(bytes) {
  const body = { session_id: 'conversation-0123456789', data: { inputs: { messages: [] } } };
  for (const { name } of declared(Math.max(...FIELDS))) body[name] = 'a value';
  const message = { role: 'user', content: 'A sentence of a conversation, as long as most are.' };
  const each = JSON.stringify(message).length + 1;
  const left = Math.max(0, bytes - JSON.stringify(body).length);
  body.data.inputs.messages = Array.from({ length: Math.floor(left / each) }, () => message);
  return JSON.stringify(body);
}

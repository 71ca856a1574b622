/** The same small agent, once a variant: the session from the body onto the spans, the inputs to a handler, its value back. */
import { requireOthers } from './packages.js';
import { SESSION_KEY } from './tracing.js';

const answer = ({ messages }) => ({
  role: 'assistant',
  content: `${messages.length} messages read`,
});
const reply = (req, res) => res.json({ data: { outputs: answer(req.body.data.inputs) } });

const ID = { type: 'string', pattern: '^[A-Za-z0-9._:-]{1,128}$' };
const ENVELOPE = {
  type: 'object',
  properties: {
    session_id: ID,
    data: {
      type: 'object',
      properties: { inputs: { type: 'object' }, parameters: { type: 'object' } },
    },
  },
};

/** Each mounts itself on an app: `POST /invoke`, and a route for each stream source where streams are compared. */
export const VARIANTS = {
  bare({ app, express }) {
    app.use(express.json());
    app.post('/invoke', reply);
  },

  'hand-written'({ app, express, require, api: { context, trace }, sources }) {
    const { Ajv } = require('ajv');
    const validate = new Ajv().compile(ENVELOPE);
    app.use(express.json());
    app.use((req, res, next) => {
      if (!validate(req.body)) {
        res.status(400).json({ errors: validate.errors });
        return;
      }
      const { session_id, data } = req.body;
      res.locals.session_id = session_id;
      res.locals.inputs = data.inputs;
      res.setHeader('x-session-id', session_id);
      trace.getActiveSpan()?.setAttribute('session.id', session_id);
      context.with(context.active().setValue(SESSION_KEY, session_id), next);
    });
    app.post('/invoke', async (_req, res, next) => {
      try {
        const outputs = await answer(res.locals.inputs);
        const { traceId, spanId } = trace.getActiveSpan().spanContext();
        const { session_id } = res.locals;
        res.json({ session_id, trace_id: traceId, span_id: spanId, data: { outputs } });
      } catch (error) {
        next(error);
      }
    });
    for (const [path, source] of Object.entries(sources)) {
      app.post(path, async (_req, res) => {
        res.type('application/x-ndjson');
        for await (const item of source()) res.write(`${JSON.stringify(item)}\n`);
        res.end();
      });
    }
  },

  'express-openapi-validator'({ app, express }) {
    const OpenApiValidator = requireOthers('express-openapi-validator');
    const content = { 'application/json': { schema: ENVELOPE } };
    const post = {
      requestBody: { required: true, content },
      responses: { 200: { description: 'the answer' } },
    };
    const apiSpec = {
      openapi: '3.0.3',
      info: { title: 'bench', version: '1' },
      paths: { '/invoke': { post } },
    };
    app.use(express.json());
    app.use(OpenApiValidator.middleware({ apiSpec, validateRequests: true }));
    app.post('/invoke', reply);
  },

  langfuse({ app, express }) {
    const { propagateAttributes } = requireOthers('@langfuse/tracing');
    app.use(express.json());
    app.use((req, _res, next) => propagateAttributes({ sessionId: req.body.session_id }, next));
    app.post('/invoke', reply);
  },

  openinference({ app, express, api: { context } }) {
    const { setSession } = requireOthers('@arizeai/openinference-core');
    app.use(express.json());
    app.use((req, _res, next) => {
      const { session_id: sessionId } = req.body;
      context.with(setSession(context.active(), { sessionId }), next);
    });
    app.post('/invoke', reply);
  },

  ours({ app, lib: { agentEnvelope, bind }, sources }) {
    app.use(agentEnvelope());
    app.post(
      '/invoke',
      bind(['session_id', 'inputs'], ({ inputs }) => answer(inputs)),
    );
    for (const [path, source] of Object.entries(sources))
      app.post(
        path,
        bind([], () => source()),
      );
  },
};

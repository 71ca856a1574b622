/** One variant in a process of its own, under HTTP instrumentation; tells its CPU time and memory when asked. */
import { createRequire } from 'node:module';
import { context, createContextKey, trace } from '@opentelemetry/api';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { agentEnvelope, bind, SessionSpanProcessor } from 'express-agent-envelope';

const SESSION_KEY = createContextKey('bench.session');

const sink = { onStart() {}, onEnd() {}, forceFlush: async () => {}, shutdown: async () => {} };
const handWrittenProcessor = {
  ...sink,
  onStart(span, ctx) {
    const id = ctx.getValue(SESSION_KEY);
    if (id !== undefined) span.setAttribute('session.id', id);
  },
};
const PROCESSORS = {
  bare: [sink],
  'hand-written': [handWrittenProcessor, sink],
  ours: [new SessionSpanProcessor(), sink],
};

const variant = process.argv[2];
new NodeTracerProvider({ spanProcessors: PROCESSORS[variant] }).register();
new HttpInstrumentation();

// Loaded behind the instrumentation, which patches what is required from now on.
const require = createRequire(import.meta.url);
const express = require('express');
const { Ajv } = require('ajv');

const answer = ({ messages }) => ({
  role: 'assistant',
  content: `${messages.length} messages read`,
});

const VARIANTS = {
  bare(app) {
    app.use(express.json());
    app.post('/invoke', (req, res) => {
      res.json({ data: { outputs: answer(req.body.data.inputs) } });
    });
  },

  'hand-written'(app) {
    const validate = new Ajv().compile({
      type: 'object',
      properties: {
        session_id: { type: 'string', pattern: '^[A-Za-z0-9._:-]{1,128}$' },
        data: {
          type: 'object',
          properties: { inputs: { type: 'object' }, parameters: { type: 'object' } },
        },
      },
    });
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
  },

  ours(app) {
    app.use(agentEnvelope());
    app.post(
      '/invoke',
      bind(['session_id', 'inputs'], ({ inputs }) => answer(inputs)),
    );
    // For the stalled reader: items of 1 kB, as fast as they are taken.
    app.post(
      '/stream',
      bind([], async function* () {
        const item = 'x'.repeat(1024);
        for (;;) yield item;
      }),
    );
  },
};

const app = express();
VARIANTS[variant](app);
const server = app.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));

process.on('message', () => {
  global.gc?.();
  const { user, system } = process.cpuUsage();
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  process.send({ cpu: user + system, heapUsed, external, arrayBuffers });
});
process.on('disconnect', () => process.exit());

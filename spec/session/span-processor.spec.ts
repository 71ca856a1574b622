import { context, ROOT_CONTEXT, SpanStatusCode, trace } from '@opentelemetry/api';
import { RPCType, setRPCMetadata } from '@opentelemetry/core';
import express from 'express';
import {
  agentEnvelope,
  bind,
  SessionSpanProcessor,
  sessionId,
  setSessionId,
  withSessionId,
} from '../../lib/index.js';
import { requestSpanContext, stampOpenSpans } from '../../lib/session/request-span.js';
import { activeSlot, adoptSessionId } from '../../lib/session/slot.js';
import { envelopeApp, post, useTracing } from '../helpers.js';

const { attributesOf, spanNamed } = useTracing();
const tracer = trace.getTracer('spec');
const BOTH = (id: string) => ({ 'session.id': id, 'gen_ai.conversation.id': id });

/** A server span as HTTP instrumentation opens it: before the body is read, with RPC metadata, and a layer span inside. */
function withServerSpan(app: express.Express): void {
  app.use((_req, res, next) => {
    const server = tracer.startSpan('server');
    const layer = tracer.startSpan('layer');
    res.on('close', () => {
      server.end();
      layer.end();
    });
    const rpc = setRPCMetadata(ROOT_CONTEXT, { type: RPCType.HTTP, span: server });
    context.with(trace.setSpan(rpc, layer), next);
  });
}

describe('SessionSpanProcessor', () => {
  it('stamps both attributes on every span that starts in a session', () => {
    withSessionId('conv-1', () => tracer.startSpan('child').end());
    expect(attributesOf('child')).toEqual(BOTH('conv-1'));
  });

  it('stamps nothing outside a session', () => {
    tracer.startSpan('alone').end();
    expect(attributesOf('alone')).toEqual({});
  });

  it('looks at the context a span was started with before the active one', () => {
    const ctx = setSessionId(ROOT_CONTEXT, 'explicit');
    withSessionId('active', () => tracer.startSpan('child', {}, ctx).end());
    expect(attributesOf('child')).toEqual(BOTH('explicit'));
  });

  it('falls back to the active session where the context of the span has none', () => {
    withSessionId('active', () => tracer.startSpan('child', {}, ROOT_CONTEXT).end());
    expect(attributesOf('child')).toEqual(BOTH('active'));
  });

  it('stamps the attribute of each further field, and other values than text as JSON', async () => {
    const app = express();
    app.use(
      agentEnvelope({
        fields: [
          sessionId,
          { name: 'tenant', attribute: 'app.tenant' },
          { name: 'turn', attribute: 'app.turn' },
          { name: 'labels', schema: { type: 'object' }, attribute: 'app.labels' },
          'silent',
        ],
      }),
    );
    app.post('/', (_req, res) => {
      tracer.startSpan('child').end();
      res.json({});
    });
    await post(app, {
      session_id: 'conv-1',
      tenant: 'acme',
      turn: 3,
      labels: { a: [1] },
      silent: 'x',
    });
    expect(attributesOf('child')).toEqual({
      ...BOTH('conv-1'),
      'app.tenant': 'acme',
      'app.turn': 3,
      'app.labels': '{"a":[1]}',
    });
  });

  it('stamps a span that was open when an engine gave the id', () => {
    withSessionId(null, () => {
      const span = tracer.startSpan('waiting');
      const slot = activeSlot();
      if (slot) adoptSessionId(slot, 'engine-1');
      span.end();
    });
    expect(attributesOf('waiting')).toEqual(BOTH('engine-1'));
  });

  it('flushes and shuts down without anything to do', async () => {
    const processor = new SessionSpanProcessor();
    await expect(processor.forceFlush()).resolves.toBeUndefined();
    await expect(processor.shutdown()).resolves.toBeUndefined();
  });
});

describe('spans that were open before the body was read', () => {
  it('are stamped: the server span by its RPC metadata, and the active one', async () => {
    const app = express();
    withServerSpan(app);
    app.use(agentEnvelope());
    app.post('/', (_req, res) => {
      res.json({});
    });
    await post(app, { session_id: 'conv-1' });
    expect(attributesOf('server')).toEqual(BOTH('conv-1'));
    expect(attributesOf('layer')).toEqual(BOTH('conv-1'));
  });

  it('are not stamped for a caller who is refused', async () => {
    const app = express();
    withServerSpan(app);
    app.use(agentEnvelope({ authorize: () => false }));
    await post(app, { session_id: 'conv-1' }).expect(403);
    expect(attributesOf('server')).toEqual({});
    expect(attributesOf('layer')).toEqual({});
  });

  it('are left alone once they have ended', () => {
    const span = tracer.startSpan('ended');
    span.end();
    const slot = { fields: {}, attributes: BOTH('late'), baggage: false };
    stampOpenSpans(slot, trace.setSpan(ROOT_CONTEXT, span));
    expect(attributesOf('ended')).toEqual({});
  });
});

describe('the ids of a reply', () => {
  it('are those of the server span, not of the layer that is active', async () => {
    const app = express();
    withServerSpan(app);
    envelopeApp(
      app,
      bind([], () => 1),
    );
    const { body } = await post(app, {});
    const server = spanNamed('server');
    expect(body.trace_id).toBe(server?.spanContext().traceId);
    expect(body.span_id).toBe(server?.spanContext().spanId);
  });

  it('are absent where nothing traces', () => {
    expect(requestSpanContext(ROOT_CONTEXT)).toBeUndefined();
  });
});

describe('a stream that fails after its first item', () => {
  it('is recorded on the span of the request, whose status code says 200', async () => {
    const app = express();
    withServerSpan(app);
    const route = bind([], async function* () {
      yield 1;
      throw new Error('later');
    });
    envelopeApp(app, route);
    await post(app, {}).expect(200);
    const server = spanNamed('server');
    expect(server?.status.code).toBe(SpanStatusCode.ERROR);
    expect(server?.events.map(({ name }) => name)).toEqual(['exception']);
  });
});

import {
  type Attributes,
  context,
  ROOT_CONTEXT,
  type Span,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { RPCType, setRPCMetadata } from '@opentelemetry/core';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import express from 'express';
import {
  agentEnvelope,
  bind,
  type EnvelopeField,
  SessionSpanProcessor,
  sessionId,
  setSessionId,
  withSessionId,
} from '../../lib/index.js';
import { openSpan, openSpansUpTo } from '../../lib/session/open-spans.js';
import { requestSpanContext, stampOpenSpans } from '../../lib/session/request-span.js';
import { DEFAULT_SESSION_ATTRIBUTES } from '../../lib/session/session-attributes.js';
import {
  activeSlot,
  adoptSessionId,
  createSlot,
  deriveSlot,
  runInSlot,
  type SessionSlot,
} from '../../lib/session/slot.js';
import { envelopeApp, post, useTracing } from '../helpers.js';

const { attributesOf, spanNamed } = useTracing();
const tracer = trace.getTracer('spec');
const SESSION = (id: string) => ({ 'session.id': id });

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
  it('stamps session.id on every span that starts in a session', () => {
    withSessionId('conv-1', () => tracer.startSpan('child').end());
    expect(attributesOf('child')).toEqual(SESSION('conv-1'));
  });

  it('stamps nothing outside a session', () => {
    tracer.startSpan('alone').end();
    expect(attributesOf('alone')).toEqual({});
  });

  it('looks at the context a span was started with before the active one', () => {
    const ctx = setSessionId(ROOT_CONTEXT, 'explicit');
    withSessionId('active', () => tracer.startSpan('child', {}, ctx).end());
    expect(attributesOf('child')).toEqual(SESSION('explicit'));
  });

  it('falls back to the active session where the context of the span has none', () => {
    withSessionId('active', () => tracer.startSpan('child', {}, ROOT_CONTEXT).end());
    expect(attributesOf('child')).toEqual(SESSION('active'));
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
      ...SESSION('conv-1'),
      'app.tenant': 'acme',
      'app.turn': 3,
      'app.labels': '{"a":[1]}',
    });
  });

  it.each<[string, () => Span]>([
    ['starts with', () => tracer.startSpan('s', { attributes: { 'gen_ai.system': 'x' } })],
    ['gets before its end', () => tracer.startSpan('s').setAttribute('gen_ai.system', 'x')],
  ])('stamps gen_ai.conversation.id on a span that %s another gen_ai attribute', (_how, start) => {
    withSessionId('c', () => start().end());
    expect(attributesOf('s')).toEqual({
      ...SESSION('c'),
      'gen_ai.conversation.id': 'c',
      'gen_ai.system': 'x',
    });
  });

  it('stamps a span of AI while it is open, where that is known at its start', () => {
    withSessionId('c', () => {
      const span = tracer.startSpan('s', { attributes: { 'gen_ai.system': 'x' } });
      expect((span as unknown as ReadableSpan).attributes).toMatchObject(SESSION('c'));
      expect((span as unknown as ReadableSpan).attributes).toHaveProperty([
        'gen_ai.conversation.id',
      ]);
      span.end();
    });
  });

  it('stamps a span that was open when an engine gave the id', () => {
    withSessionId(null, () => {
      const span = tracer.startSpan('waiting');
      const slot = activeSlot();
      if (slot) adoptSessionId(slot, 'engine-1');
      span.end();
    });
    expect(attributesOf('waiting')).toEqual(SESSION('engine-1'));
  });

  it('works once where it is registered twice', async () => {
    const exporter = new InMemorySpanExporter();
    const spanProcessors = [
      new SessionSpanProcessor(),
      new SessionSpanProcessor(),
      new SimpleSpanProcessor(exporter),
    ];
    const provider = new BasicTracerProvider({ spanProcessors });
    withSessionId('c', () => provider.getTracer('spec').startSpan('s').end());
    expect(exporter.getFinishedSpans()[0]?.attributes).toEqual(SESSION('c'));
    await provider.shutdown();
  });

  it.each(['isRecording', 'setAttribute'])(
    'never fails the code that ends a span whose %s() throws',
    (method) => {
      const broken = () => {
        throw new Error('broken');
      };
      withSessionId(null, () => {
        const span = Object.assign(tracer.startSpan('s'), { [method]: broken });
        adoptSessionId(activeSlot() as SessionSlot, 'engine-1');
        expect(() => span.end()).not.toThrow();
      });
    },
  );

  it('flushes and shuts down without anything to do', async () => {
    const processor = new SessionSpanProcessor();
    await expect(processor.forceFlush()).resolves.toBeUndefined();
    await expect(processor.shutdown()).resolves.toBeUndefined();
  });
});

const AI = { 'gen_ai.system': 'x' };
const OTHER = { 'session.id': 'theirs', 'gen_ai.conversation.id': 'theirs' };

/** What libraries do with an id of their own, and when. `before` and `after` are processors beside ours. */
const LIBRARIES: [string, Attributes, (span: Span) => void][] = [
  ['as the span starts', { ...AI, ...OTHER }, () => undefined],
  ['later', AI, (span) => span.setAttributes(OTHER)],
  ['later, under one name', AI, (span) => span.setAttribute('session.id', 'theirs')],
  ['as the only sign of AI', {}, (span) => span.setAttribute('gen_ai.conversation.id', 'theirs')],
];

/** A processor of a library that writes its own id when a span starts, as Langfuse's does. */
const writesAtStart = (): SpanProcessor => ({
  onStart: (span) => void span.setAttributes(OTHER),
  onEnd: () => undefined,
  forceFlush: async () => undefined,
  shutdown: async () => undefined,
});

/** The same processor as an SDK before 2.3 sees it, which knows no `onEnding`. */
function withoutOnEnding(): SpanProcessor {
  const ours = new SessionSpanProcessor();
  return {
    onStart: (span, ctx) => ours.onStart(span, ctx),
    onEnd: (span) => ours.onEnd(span),
    forceFlush: () => ours.forceFlush(),
    shutdown: () => ours.shutdown(),
  };
}

describe.each<[string, () => SpanProcessor]>([
  ['an SDK with onEnding', () => new SessionSpanProcessor()],
  ['an SDK without onEnding', withoutOnEnding],
])('the id of the session wins over that of a library, on %s', (_sdk, ours) => {
  const finish = async (processors: SpanProcessor[], makeSpan: (tracer: Tracer) => void) => {
    const exporter = new InMemorySpanExporter();
    const spanProcessors = [...processors, new SimpleSpanProcessor(exporter)];
    const provider = new BasicTracerProvider({ spanProcessors });
    withSessionId('ours', () => makeSpan(provider.getTracer('spec')));
    const attributes = exporter.getFinishedSpans()[0]?.attributes;
    await provider.shutdown();
    return attributes;
  };
  const kept = {
    'session.id': 'ours',
    'gen_ai.conversation.id': 'ours',
    'engine.session.id': 'theirs',
  };

  it.each(LIBRARIES)('which wrote it %s', async (_when, attributes, write) => {
    const found = await finish([ours()], (tracer) => {
      const span = tracer.startSpan('s', { attributes });
      write(span);
      span.end();
    });
    expect(found).toEqual({ ...kept, ...('gen_ai.system' in attributes && AI) });
  });

  it.each([
    ['before', () => [writesAtStart(), ours()]],
    ['after', () => [ours(), writesAtStart()]],
  ])('whose processor stands %s ours', async (_order, processors) => {
    const found = await finish(processors(), (tracer) => tracer.startSpan('s').end());
    expect(found).toEqual(kept);
  });

  it('and leaves an engine.session.id that is there', async () => {
    const found = await finish([ours()], (tracer) => {
      const attributes = { ...OTHER, 'engine.session.id': 'engine-1' };
      tracer.startSpan('s', { attributes }).end();
    });
    expect(found).toMatchObject({ 'session.id': 'ours', 'engine.session.id': 'engine-1' });
  });

  it('and leaves what the app makes of the attribute of a field', async () => {
    const values = { session_id: 'ours', tenant: 'sent' };
    const declared = { sessionAttributes: DEFAULT_SESSION_ATTRIBUTES, baggage: false };
    const slot = createSlot(values, { 'app.tenant': 'sent', 'app.plan': 'sent' }, declared);
    const found = await finish([ours()], (tracer) =>
      runInSlot(slot, ROOT_CONTEXT, () =>
        tracer.startSpan('s').setAttribute('app.tenant', 'changed').end(),
      ),
    );
    expect(found).toEqual({ ...SESSION('ours'), 'app.tenant': 'changed', 'app.plan': 'sent' });
  });
});

describe('sessionAttributes', () => {
  const spansOf = async (sessionAttributes: string[], fields: EnvelopeField[] = []) => {
    const app = express();
    withServerSpan(app);
    app.use(agentEnvelope({ sessionAttributes, fields: [sessionId, ...fields] }));
    app.post('/', (_req, res) => {
      tracer.startSpan('sql').end();
      tracer.startSpan('chat', { attributes: AI }).end();
      withSessionId('c', () => tracer.startSpan('again').end());
      res.json({});
    });
    await post(app, { session_id: 'c', agent: 'a' });
    const { 'gen_ai.system': _sign, ...chat } = attributesOf('chat') ?? {};
    return { server: attributesOf('server'), sql: attributesOf('sql'), chat };
  };

  it.each<[string[], object, object]>([
    [[], {}, {}],
    [['otel'], { 'session.id': 'c' }, {}],
    [['genai'], {}, { 'gen_ai.conversation.id': 'c' }],
    [['langsmith'], { 'langsmith.metadata.thread_id': 'c' }, {}],
    [['posthog'], { $ai_session_id: 'c' }, {}],
    [['otel', 'app.conversation'], { 'session.id': 'c', 'app.conversation': 'c' }, {}],
    [['llm.thread'], {}, { 'llm.thread': 'c' }],
    [['ai.thread', 'traceloop.x'], {}, { 'ai.thread': 'c', 'traceloop.x': 'c' }],
  ])('%j: every span carries %j, those of AI also %j', async (given, every, ai) => {
    expect(await spansOf(given)).toEqual({ server: every, sql: every, chat: { ...every, ...ai } });
  });

  it('weave marks the outermost span as the turn, and no other', async () => {
    const thread = { 'wandb.thread_id': 'c' };
    const turn = { ...thread, 'wandb.is_turn': true };
    expect(await spansOf(['weave'])).toEqual({ server: turn, sql: thread, chat: thread });
    expect(attributesOf('again')).toEqual(thread);
  });

  it('an attribute of a field that is a sign of AI goes onto spans of AI only', async () => {
    const field = { name: 'agent', attribute: 'gen_ai.agent.name' };
    const { server, sql, chat } = await spansOf(['otel'], [field]);
    expect([server, sql]).toEqual([SESSION('c'), SESSION('c')]);
    expect(chat).toEqual({ ...SESSION('c'), 'gen_ai.agent.name': 'a' });
  });

  it('are those of the request inside withSessionId(), too', async () => {
    const app = express();
    app.use(agentEnvelope({ sessionAttributes: ['langsmith'] }));
    app.post('/', (_req, res) => {
      withSessionId('other', () => tracer.startSpan('inner').end());
      res.json({});
    });
    await post(app, { session_id: 'c' });
    expect(attributesOf('inner')).toEqual({ 'langsmith.metadata.thread_id': 'other' });
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
    expect(attributesOf('server')).toEqual(SESSION('conv-1'));
    expect(attributesOf('layer')).toEqual(SESSION('conv-1'));
  });

  it('are stamped up to the server span: layers, and a span of the app around a nested mount', async () => {
    const app = express();
    const agent = express.Router();
    agent.use(agentEnvelope());
    agent.post('/', (_req, res) => void res.json({}));
    const around = tracer.startSpan('around');
    const server = tracer.startSpan('server', {}, trace.setSpan(ROOT_CONTEXT, around));
    const rpc = setRPCMetadata(ROOT_CONTEXT, { type: RPCType.HTTP, span: server });
    app.use((_req, res, next) => {
      context.with(trace.setSpan(rpc, server), () => {
        tracer.startActiveSpan('router', (router) => {
          // A layer's span ends when the layer calls `next`, and what follows starts under it.
          tracer.startActiveSpan('ended', (ended) => {
            ended.end();
            tracer.startActiveSpan('own', (own) => {
              tracer.startActiveSpan('layer', (layer) => {
                res.on('close', () => [layer, own, router, server, around].map((s) => s.end()));
                agent(_req, res, next);
              });
            });
          });
        });
      });
    });
    await post(app, { session_id: 'c' });
    const stamped = ['server', 'router', 'own', 'layer'].map(attributesOf);
    expect(stamped).toEqual(stamped.map(() => SESSION('c')));
    expect([attributesOf('around'), attributesOf('ended')]).toEqual([{}, {}]);
  });

  it('are stamped around the active one where the server has no span', async () => {
    const app = express();
    app.use((_req, res, next) => {
      tracer.startActiveSpan('own', (own) => {
        tracer.startActiveSpan('layer', (layer) => {
          res.on('close', () => [layer, own].map((span) => span.end()));
          next();
        });
      });
    });
    app.use(agentEnvelope());
    await post(app, { session_id: 'c' });
    expect([attributesOf('own'), attributesOf('layer')]).toEqual([SESSION('c'), SESSION('c')]);
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
    const slot = deriveSlot('late', undefined);
    stampOpenSpans(slot, trace.setSpan(ROOT_CONTEXT, span));
    expect(attributesOf('ended')).toEqual({});
  });
});

describe('the span that is open when withSessionId() begins', () => {
  it('is stamped, and none around it: a batch is not part of the conversation of a job', () => {
    tracer.startActiveSpan('batch', (batch) => {
      tracer.startActiveSpan('job', (job) => {
        withSessionId('c', () => tracer.startSpan('child').end());
        job.end();
      });
      batch.end();
    });
    expect(attributesOf('job')).toEqual(SESSION('c'));
    expect(attributesOf('child')).toEqual(SESSION('c'));
    expect(attributesOf('batch')).toEqual({});
  });

  it('becomes one of AI as any other', () => {
    tracer.startActiveSpan('job', { attributes: AI }, (job) => withSessionId('c', () => job.end()));
    expect(attributesOf('job')).toMatchObject({ 'gen_ai.conversation.id': 'c' });
  });

  it('stays in the session that it is in', () => {
    withSessionId('outer', () => {
      tracer.startActiveSpan('job', (job) => {
        withSessionId('inner', () => tracer.startSpan('child').end());
        job.end();
      });
    });
    expect(attributesOf('job')).toEqual(SESSION('outer'));
    expect(attributesOf('child')).toEqual(SESSION('inner'));
  });
});

describe('what is known of open spans', () => {
  it.each([
    ['after the last one has ended', (last: Span | undefined) => last?.end(), () => undefined],
    ['before the last one ends', () => undefined, (last: Span | undefined) => last?.end()],
  ])(
    'keeps no ended span: a loop in which each round starts %s, under it',
    (_when, first, then) => {
      let last: Span | undefined;
      for (let round = 0; round < 5; round++) {
        first(last);
        const next = tracer.startSpan(
          'r',
          {},
          last ? trace.setSpan(ROOT_CONTEXT, last) : undefined,
        );
        then(last);
        last = next;
      }
      last?.end();
      expect(openSpan(last)).toMatchObject({ ended: true, outer: undefined });
    },
  );

  it('leads past spans that have ended', () => {
    const outer = tracer.startSpan('outer');
    const middle = tracer.startSpan('middle', {}, trace.setSpan(ROOT_CONTEXT, outer));
    middle.end();
    const inner = tracer.startSpan('inner', {}, trace.setSpan(ROOT_CONTEXT, middle));
    const open = openSpansUpTo(undefined, inner).map(({ span }) => span);
    expect(open).toEqual([outer, inner]);
    inner.end();
    outer.end();
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

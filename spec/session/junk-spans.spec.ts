/** Spans of a foreign tracer that are junk, wherever they are found: no request fails for them, no run, and nothing else does. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  context,
  createContextKey,
  propagation,
  ROOT_CONTEXT,
  type Span,
  trace,
} from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { tool } from 'ai';
import express, { type RequestHandler } from 'express';
import { z } from 'zod';
import { aiSdk } from '../../lib/engines/ai-sdk/index.js';
import { run } from '../../lib/engines/index.js';
import { contextOfJob, createJob } from '../../lib/engines/queue/job.js';
import { remote } from '../../lib/engines/remote/index.js';
import {
  agentEnvelope,
  bind,
  getSessionId,
  problemDetails,
  withSessionId,
} from '../../lib/index.js';
import { agUiEvents } from '../../lib/protocols/ag-ui/index.js';
import { uiMessageStream } from '../../lib/protocols/ui-message-stream/index.js';
import {
  adoptSpan,
  recordFailure,
  requestSpanContext,
  stampOpenSpans,
} from '../../lib/session/request-span.js';
import { diagnoseSpan } from '../../lib/session/self-diagnosis.js';
import { activeSlot, type SessionSlot } from '../../lib/session/slot.js';
import { call, mockModel, step, text } from '../engines/ai-sdk/model.js';
import { fail, smallEngine, useTool } from '../engines/small-engine.js';
import { post, SSE } from '../helpers.js';

const boom = (): never => {
  throw new Error('no tracing today');
};
const VALID = { traceId: '1'.repeat(32), spanId: '1'.repeat(16), traceFlags: 1 };
const proxy = (target: object) =>
  new Proxy(target, {
    get: boom,
    set: boom,
    has: boom,
    getPrototypeOf: boom,
    defineProperty: boom,
  });
const saying = (spanContext: () => unknown) =>
  Object.assign(Object.create(trace.wrapSpanContext(VALID)), {
    spanContext,
    isRecording: () => true,
  });

const JUNK: [what: string, make: () => unknown][] = [
  ['undefined', () => undefined],
  ['null', () => null],
  ['a number', () => 5],
  ['an empty object', () => ({})],
  ['a frozen span', () => Object.freeze(saying(() => VALID))],
  ['a span that throws whatever is called', () => throwing()],
  ['a Proxy that throws', () => proxy(trace.wrapSpanContext(VALID))],
  ['a Proxy that throws once it records', () => recordsOnly()],
  ['a span whose spanContext() throws', () => saying(boom)],
  ['a span whose spanContext() gives undefined', () => saying(() => undefined)],
  ['a span whose spanContext() gives null', () => saying(() => null)],
  ['a span whose spanContext() gives {}', () => saying(() => ({}))],
  ['a span whose spanContext() gives numbers', () => saying(() => ({ traceId: 1, spanId: 2 }))],
  ['a span whose spanContext() gives a Proxy that throws', () => saying(() => proxy({}))],
  ['a span whose spanContext() gives a promise', () => saying(async () => VALID)],
  ['a span whose ids can be read once', () => saying(() => readOnce())],
];

function throwing() {
  const get = (_span: object, name: PropertyKey) => (typeof name === 'string' ? boom : undefined);
  return new Proxy({}, { get });
}

/** Says that it records, and throws for anything else. */
function recordsOnly() {
  const get = (_span: object, name: PropertyKey) => (name === 'isRecording' ? () => true : boom());
  return new Proxy({}, { get, set: boom });
}

function readOnce() {
  let reads = 0;
  return {
    ...VALID,
    get traceId() {
      return reads++ < 2 ? VALID.traceId : boom();
    },
  };
}

const RPC_METADATA = createContextKey('OpenTelemetry SDK Context Key RPC_METADATA');
const NEW_RUN = { sessionId: 'a', maxEvents: 1, retentionMs: 1, timeoutMs: 1 };
const ASK = { messages: [{ role: 'user', content: 'Hello' }] } as const;

/** Where a span is found. */
const PLACES: [where: string, around: <T>(junk: unknown, code: () => T) => T][] = [
  ['active', (junk, code) => context.with(trace.setSpan(context.active(), junk as Span), code)],
  [
    'the server’s',
    (junk, code) => context.with(context.active().setValue(RPC_METADATA, { span: junk }), code),
  ],
  [
    'what a tracer starts',
    (junk, code) => {
      trace.disable();
      trace.setGlobalTracerProvider({ getTracer: () => ({ startSpan: () => junk }) } as never);
      return code();
    },
  ],
];

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
});
afterEach(() => trace.disable());
afterAll(() => {
  context.disable();
  propagation.disable();
});

function appIn(inSpan: RequestHandler) {
  const app = express();
  app.set('env', 'test');
  app.use(inSpan, agentEnvelope());
  const start = (engine = smallEngine(useTool)) => run(engine, ASK, { captureContent: true });
  const routes: Record<string, () => unknown> = {
    '/value': () => 'answer',
    '/run': () => start(),
    '/ui': () => uiMessageStream(start()),
    '/ag-ui': () => agUiEvents(start()),
    '/failing': () => start(smallEngine(fail)),
    '/within': () => withSessionId('other', () => getSessionId()),
    '/stream': async function* () {
      yield 1;
      await nextTurn();
      boom();
    },
  };
  for (const [path, handler] of Object.entries(routes)) app.post(path, bind([], handler));
  app.use(problemDetails());
  return app;
}

describe.each(PLACES)('a span that is %s', (_where, around) => {
  it.each(JUNK)('and %s fails no request and no run', async (_what, make) => {
    const app = appIn((_req, _res, next) => around(make(), next));
    for (const body of [{ session_id: 'conv-1' }, {}]) {
      const answers: [path: string, accept: string, status: number, says: RegExp][] = [
        ['/value', '*/*', 200, /answer/],
        ['/within', '*/*', 200, /other/],
        ['/run', '*/*', 200, /Let me see. Found/],
        ['/run', SSE, 200, /run\.end/],
        ['/ui', '*/*', 200, /"finish"/],
        ['/ag-ui', '*/*', 200, /RUN_FINISHED/],
        ['/stream', '*/*', 200, /INTERNAL_ERROR/],
        ['/failing', '*/*', 502, /ENGINE_FAILED/],
      ];
      for (const [path, accept, status, says] of answers) {
        const reply = await post(app, body, path).set('accept', accept).buffer(true);
        expect([path, reply.status]).toEqual([path, status]);
        expect(reply.text ?? String(reply.body)).toMatch(says);
      }
    }
  });

  it.each(JUNK)('and %s is handed on to no runner and no worker', async (_what, make) => {
    await around(make(), async () => {
      const answer = `${['run.start","session_id":"a","engine":"x', 'run.end","stop_reason":"stop'].map((text) => `{"type":"${text}"}`).join('\n')}\n`;
      const headers = { 'content-type': 'application/x-ndjson' };
      const fetch = async () => new Response(answer, { headers });
      const engine = remote({ url: 'http://runner.test/run', fetch });
      expect(await run(engine, ASK).result).toMatchObject({ stopReason: 'stop' });
      expect(createJob(ASK, NEW_RUN)).toMatchObject({ request: ASK });
      expect(contextOfJob({ traceparent: `00-${VALID.traceId}-${VALID.spanId}-01` })).toBeDefined();
    });
  });

  it.each(JUNK)('and %s fails no call of the AI SDK to its model', async (_what, make) => {
    const lookup = tool({ inputSchema: z.object({}), execute: async () => 'found' });
    const model = mockModel((_options, n) =>
      n === 0 ? step([call('c', 'lookup', {})], 'tool-calls') : step(text('Found.')),
    );
    const engine = aiSdk({ model, tools: { lookup } });
    const answer = await around(make(), () => run(engine, ASK).result);
    expect(answer).toMatchObject({ output: 'Found.', stopReason: 'stop' });
  });

  it.each(JUNK)('and %s is stamped, diagnosed and marked without a throw', (_what, make) => {
    around(make(), () => {
      const slot = withSessionId('conv-1', () => activeSlot()) as SessionSlot;
      expect(() => {
        stampOpenSpans(slot);
        adoptSpan(slot, context.active());
        recordFailure(new Error('private'));
        diagnoseSpan(trace.getActiveSpan());
        requestSpanContext();
      }).not.toThrow();
    });
  });
});

it('a propagator that throws keeps no job from its worker', () => {
  propagation.disable();
  propagation.setGlobalPropagator({ inject: boom, extract: boom, fields: () => [] });
  expect(createJob(ASK, NEW_RUN)).toMatchObject({ request: ASK });
  expect(contextOfJob({})).toBe(ROOT_CONTEXT);
});

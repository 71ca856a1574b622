/** What tracing may do to a request, whatever it is made of: nothing. It is answered, in its session, once. */
import { readdirSync, readFileSync } from 'node:fs';
import {
  type Context,
  context,
  DiagLogLevel,
  diag,
  propagation,
  ROOT_CONTEXT,
  type Span,
  trace,
} from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import express from 'express';
import { defineEngine, run } from '../../lib/engines/index.js';
import {
  type AgentEnvelopeOptions,
  agentEnvelope,
  bind,
  getSessionId,
  problemDetails,
  SessionLogRecordProcessor,
  SessionSpanProcessor,
  withSessionId,
} from '../../lib/index.js';
import { post } from '../helpers.js';

const refuse = (): never => {
  throw new Error('private');
};

const NONE: Fault = {};

/** A context manager that fails as it is told. */
class HostileManager extends AsyncLocalStorageContextManager {
  fault = NONE;

  override active(): Context {
    return this.fault.active ? this.fault.active(super.active()) : super.active();
  }

  override with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
    ctx: Context,
    fn: F,
    self?: ThisParameterType<F>,
    ...args: A
  ): ReturnType<F> {
    const call = () => super.with(ctx, fn, self, ...args);
    return this.fault.with ? (this.fault.with(call) as ReturnType<F>) : call();
  }
}

interface Fault {
  readonly active?: (ctx: Context) => Context;
  readonly with?: (call: () => unknown) => unknown;
}

const ids = { traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1 };
const writable = {
  isRecording: () => true,
  spanContext: () => ids,
  setAttribute: () => undefined,
  setStatus: () => undefined,
};
const spanned = (span: object): Fault => ({
  active: (ctx) => trace.setSpan(ctx, span as Span),
});
const wrapped = (members: Partial<Context>): Fault => ({
  active: (ctx) => ({
    getValue: (key) => ctx.getValue(key),
    setValue: (key, value) => ctx.setValue(key, value),
    deleteValue: (key) => ctx.deleteValue(key),
    ...members,
  }),
});
const rpc = Symbol.for('OpenTelemetry SDK Context Key RPC_METADATA');

const FAULTS: [what: string, fault: Fault][] = [
  ['a frozen span', spanned(Object.freeze({ ...writable }))],
  ['a span that cannot be extended', spanned(Object.preventExtensions({ ...writable }))],
  ['a span that refuses to be extended', spanned(new Proxy(writable, { set: refuse }))],
  ['a span that refuses to be read', spanned(new Proxy(writable, { get: refuse }))],
  ['a span without members', spanned({})],
  ['a span that takes no attribute', spanned({ ...writable, setAttribute: refuse })],
  ['a span that does not show its ids', spanned({ ...writable, spanContext: refuse })],
  [
    'a span that does not show its attributes',
    spanned(Object.defineProperty({ ...writable }, 'attributes', { get: refuse })),
  ],
  [
    'a server span that is frozen',
    { active: (ctx) => ctx.setValue(rpc, { span: Object.freeze({ ...writable }) }) },
  ],
  [
    'RPC metadata that cannot be read',
    { active: (ctx) => ctx.setValue(rpc, new Proxy({}, { get: refuse })) },
  ],
  ['baggage that cannot be read', { active: (ctx) => propagation.setBaggage(ctx, {} as never) }],
  ['a context that cannot be read', wrapped({ getValue: refuse })],
  ['a context that cannot be written', wrapped({ setValue: refuse })],
  ['no active context', { active: refuse }],
  ['an active context that is none', { active: () => undefined as never }],
  ['a context that is not entered', { with: refuse }],
  ['a context that is never entered', { with: () => undefined }],
  [
    'a context that cannot be left',
    {
      with: (call) => {
        call();
        return refuse();
      },
    },
  ],
];

const engine = defineEngine('small', async function* () {
  yield 'hello';
});
const ROUTES: [what: string, handler: () => unknown, answer: unknown][] = [
  ['a value', () => getSessionId(), 'conv-1'],
  ['a run', () => run(engine, { messages: [{ role: 'user', content: 'hi' }] }), 'hello'],
];
const OPTIONS: [how: string, options: AgentEnvelopeOptions, body: object, status: number][] = [
  ['at once', { baggage: true }, {}, 200],
  ['after authorize', { authorize: async () => true }, {}, 200],
  ['after a refusal', { authorize: async () => false }, {}, 403],
  ['for a faulty envelope', {}, { inputs: 7 }, 400],
];

describe.each(FAULTS)('%s', (_what, fault) => {
  const manager = new HostileManager();
  beforeAll(() => {
    context.setGlobalContextManager(manager.enable());
    // The API itself writes to it, where it is set and taken away.
    const log = () => (manager.fault === NONE ? undefined : refuse());
    const logger = { error: log, warn: log, info: log, debug: log, verbose: log };
    diag.setLogger(logger, { logLevel: DiagLogLevel.ALL, suppressOverrideMessage: true });
  });
  beforeEach(() => {
    manager.fault = fault;
  });
  afterEach(() => {
    manager.fault = NONE;
  });
  afterAll(() => {
    context.disable();
    diag.disable();
  });

  describe.each(OPTIONS)('%s', (_how, options, body, status) => {
    it.each(ROUTES)('leaves the reply as it is: %s', async (_route, handler, answer) => {
      const app = express().set('env', 'test');
      let calls = 0;
      app.use(agentEnvelope(options), (_req, _res, next) => {
        calls += 1;
        next();
      });
      app.post('/', bind([], handler));
      app.use(problemDetails());
      const reply = await post(app, { session_id: 'conv-1', ...body });
      expect([reply.status, reply.headers['x-session-id']]).toEqual([status, 'conv-1']);
      const { outputs } = reply.body.data ?? {};
      if (status === 200) {
        expect([calls, outputs?.output ?? outputs]).toEqual([1, answer]);
      } else expect(reply.headers['content-type']).toBe('application/problem+json');
    });
  });

  it('leaves withSessionId() as it is', () => {
    let calls = 0;
    const id = withSessionId('conv-1', () => {
      calls += 1;
      return getSessionId();
    });
    expect([calls, id]).toEqual([1, 'conv-1']);
  });

  it('leaves what a function throws in a session as it is', () => {
    expect(() => withSessionId('conv-1', () => refuse())).toThrow('private');
  });

  it('does not reach the tracing SDK through the processors', () => {
    const ctx = contextOf(fault);
    const span = trace.getSpan(ctx) ?? (writable as unknown as Span);
    const processor = new SessionSpanProcessor();
    expect(() => {
      processor.onStart(span, ctx);
      processor.onEnding(span);
      processor.onEnd(span);
      new SessionLogRecordProcessor().onEmit({ setAttributes: refuse }, ctx);
    }).not.toThrow();
  });
});

/** Contexts that cannot be read have no span to be found, either. */
function contextOf({ active }: Fault): Context {
  try {
    const ctx = active?.(ROOT_CONTEXT) ?? ROOT_CONTEXT;
    trace.getSpan(ctx);
    return ctx;
  } catch {
    return ROOT_CONTEXT;
  }
}

it('only session/tracing.ts asks the context manager, which may throw', () => {
  const lib = new URL('../../lib/', import.meta.url);
  const asking = readdirSync(lib, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .filter((path) =>
      /(?<!`)\b(?:context|trace|propagation)\.(?:active|with|bind|getActiveSpan|getActiveBaggage)\(/.test(
        readFileSync(new URL(path, lib), 'utf8'),
      ),
    );
  expect(asking).toEqual(['session/tracing.ts']);
});

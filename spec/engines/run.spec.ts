import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { context, trace } from '@opentelemetry/api';
import express from 'express';
import request from 'supertest';
import { conformance } from '../../lib/engines/conformance/index.js';
import { type AgentEvent, run } from '../../lib/engines/index.js';
import {
  agentEnvelope,
  bind,
  getSessionId,
  problemDetails,
  withSessionId,
} from '../../lib/index.js';
import { isAgentRun } from '../../lib/shared/agent-run.js';
import { fail, smallEngine, useTool } from './small-engine.js';
import { startTracing } from './tracing.js';

let tracing: ReturnType<typeof startTracing>;
beforeAll(() => {
  tracing = startTracing();
});
afterAll(() => tracing.stop());
beforeEach(() => tracing.reset());

const ASK = { messages: [{ role: 'user', content: 'Hello' }] } as const;
const spanNamed = (name: string) => tracing.finishedSpans().find((span) => span.name === name);

describe('a small engine conforms: it', () => {
  const cases = conformance({
    engine: () => smallEngine(),
    failingEngine: () => smallEngine(fail),
    finishedSpans: () => tracing.finishedSpans(),
    quotes: true,
  });
  it.each(cases)('$name', ({ test }) => test());
});

describe('run()', () => {
  it.each([
    [undefined, 'messages must be an array'],
    [[], 'messages must end with a message of the user'],
    [['hi'], 'messages[0] must be an object'],
    [[{ role: 'tool', content: '' }], 'messages[0].role must be one of system, user, assistant'],
    [
      [{ role: 'user', content: 7 }],
      'messages[0].content must be a string, or a list of at least one part',
    ],
    [[{ role: 'assistant', content: 'a' }], 'messages must end with a message of the user'],
  ])('refuses messages that an engine could not answer: %j', (messages, message) => {
    const attempt = () => run(smallEngine(), { messages } as never);
    expect(attempt).toThrow(
      expect.objectContaining({ code: 'INVALID_INPUT', status: 422, message }),
    );
  });

  it.each(['not valid', 42, 0, false, {}, ['a'], Symbol('a')])(
    'refuses a session id that breaks the rule, at once: %p',
    (sessionId) => {
      const attempt = () => run(smallEngine(), { ...ASK, sessionId: sessionId as string });
      expect(attempt).toThrow(TypeError);
    },
  );

  it('fails for an engine whose own id breaks the rule, since a client could not send it back', async () => {
    const engine = {
      ...smallEngine(),
      open: async () => ({
        ...(await smallEngine().open(ASK, new AbortController().signal)),
        id: 'a b',
      }),
    };
    await expect(run(engine, ASK).result).rejects.toMatchObject({ code: 'ENGINE_FAILED' });
  });

  it('starts when it is consumed, not when it is made or looked at', async () => {
    let opened = 0;
    const engine = smallEngine();
    const open = engine.open.bind(engine);
    engine.open = (...args) => {
      opened += 1;
      return open(...args);
    };
    const running = run(engine, ASK);
    expect(typeof running.result.then).toBe('function');
    await Promise.resolve();
    expect(opened).toBe(0);
    await running.result;
    expect(opened).toBe(1);
  });

  it('gives its events to whoever iterates it after its result, as often as asked', async () => {
    const running = run(smallEngine(), ASK);
    const { output } = await running.result;
    for (const _ of [1, 2]) {
      const events: AgentEvent[] = [];
      for await (const event of running) events.push(event);
      expect(events.map(({ type }) => type)).toEqual([
        'run.start',
        'message.delta',
        'message.delta',
        'usage',
        'run.end',
      ]);
    }
    expect(output).toBe('You said: Hello');
  });

  it('gives its failure, too, after the events that came before it', async () => {
    const running = run(
      smallEngine(async function* () {
        yield { type: 'message.delta', delta: 'a' };
        throw new Error('private reason');
      }),
      ASK,
    );
    await expect(running.result).rejects.toMatchObject({ code: 'ENGINE_FAILED' });
    const types: string[] = [];
    const read = async () => {
      for await (const { type } of running) types.push(type);
    };
    await expect(read()).rejects.toMatchObject({ code: 'ENGINE_FAILED' });
    expect(types).toEqual(['run.start', 'message.delta']);
  });

  it('has a result that is a promise: catch, finally and Promise.all() start it, too', async () => {
    await expect(run(smallEngine(), ASK).result.catch(() => 'failed')).resolves.toHaveProperty(
      'output',
    );
    await expect(run(smallEngine(fail), ASK).result.catch(() => 'failed')).resolves.toBe('failed');
    let settled = 0;
    const counted = run(smallEngine(), ASK).result.finally(() => {
      settled += 1;
    });
    const [first, second] = await Promise.all([counted, run(smallEngine(), ASK).result]);
    expect([first.output, second.output, settled]).toEqual([
      'You said: Hello',
      'You said: Hello',
      1,
    ]);
    expect(run(smallEngine(), ASK).result).toBeInstanceOf(Promise);
  });

  it('sums up output, messages, usage, stop reason and model', async () => {
    const result = await run(smallEngine(useTool), ASK).result;
    expect(result).toMatchObject({
      engine: 'small',
      model: 'quoter-1',
      output: 'Let me see. Found.',
      usage: { inputTokens: 11, outputTokens: 22 },
      stopReason: 'stop',
      messages: [...ASK.messages, { role: 'assistant', content: 'Let me see. Found.' }],
    });
  });

  it('drops a start that the engine makes up, and ends once', async () => {
    const engine = smallEngine(async function* () {
      yield { type: 'run.start', session_id: 'made-up', trace_id: 'x', engine: 'other' };
      yield { type: 'message.delta', delta: 'a' };
      yield { type: 'run.end', stop_reason: 'length' };
    });
    const events: AgentEvent[] = [];
    for await (const event of run(engine, { ...ASK, sessionId: 'real' })) events.push(event);
    expect(events.map(({ type }) => type)).toEqual(['run.start', 'message.delta', 'run.end']);
    expect(events[0]).toMatchObject({ session_id: 'real', engine: 'small' });
    expect(events[2]).toEqual({ type: 'run.end', stop_reason: 'length' });
  });

  it('names the engine in a failure and keeps the reason as the cause only', async () => {
    const failure = await run(smallEngine(fail), ASK).result.catch((error) => error);
    expect(failure).toMatchObject({
      code: 'ENGINE_FAILED',
      status: 502,
      cause: { message: 'private reason' },
    });
    expect(failure.message).not.toContain('private reason');
  });

  it('closes a session that opens only after the abort', async () => {
    const engine = smallEngine();
    const open = engine.open.bind(engine);
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    engine.open = async (...args) => {
      await released;
      return open(args[0], new AbortController().signal);
    };
    const controller = new AbortController();
    const failure = run(engine, ASK, { signal: controller.signal }).result.catch((error) => error);
    controller.abort();
    expect(await failure).toMatchObject({ name: 'AbortError' });
    release();
    await new Promise(setImmediate);
    expect(engine.closed).toBe(1);
  });

  it('ends when it is aborted although the engine does not listen', async () => {
    const engine = smallEngine(async function* () {
      yield { type: 'message.delta', delta: 'a' };
      await new Promise(() => {});
    });
    const controller = new AbortController();
    const running = run(engine, ASK, { signal: controller.signal });
    const read = async () => {
      for await (const event of running) if (event.type === 'message.delta') controller.abort();
    };
    await expect(read()).rejects.toMatchObject({ name: 'AbortError' });
    expect(engine.closed).toBe(1);
  });

  it("runs the engine's code in the session and under its span, whoever pulls the events", async () => {
    const seen: unknown[] = [];
    const engine = smallEngine(async function* () {
      seen.push(getSessionId());
      yield { type: 'message.delta', delta: 'a' };
      seen.push(getSessionId());
      trace.getTracer('spec').startSpan('inner').end();
    });
    const running = run(engine, { ...ASK, sessionId: 'outer' });
    await withSessionId('puller', async () => {
      for await (const _ of running);
    });
    expect(seen).toEqual(['outer', 'outer']);
    expect(spanNamed('inner')?.attributes['session.id']).toBe('outer');
    expect(spanNamed('inner')?.parentSpanContext?.spanId).toBe(
      spanNamed('invoke_agent small')?.spanContext().spanId,
    );
  });
});

describe('the mended edges of run()', () => {
  it.each([
    ['an engine', () => run({} as never, ASK), 'run: engine must have a name'],
    [
      'what it accepts, a text',
      () => run({ ...smallEngine(), accepts: 'image' as never }, ASK),
      "run: engine.accepts must be a list of text, image, file, tool.call, tool.result, tool.approval, got 'image'",
    ],
    [
      'what it accepts, a part that there is not',
      () => run({ ...smallEngine(), accepts: ['images' as never] }, ASK),
      'run: engine.accepts must be a list of text,',
    ],
    [
      'the members',
      () => run(smallEngine(), { ...ASK, session_id: 's' } as never),
      'run: request must have only',
    ],
    [
      'the options',
      () => run(smallEngine(), ASK, { captureContents: true } as never),
      'run: options must be among',
    ],
  ])('refuses what is wrong with %s, at once', (_what, attempt, message) => {
    expect(attempt).toThrow(TypeError);
    expect(attempt).toThrow(message);
  });

  it('does not open an engine under a signal that has aborted', async () => {
    let opened = 0;
    const engine = { ...smallEngine(), open: async () => Promise.reject(new Error(`${++opened}`)) };
    const running = run(engine, ASK, { signal: AbortSignal.abort() });
    await expect(async () => running.result).rejects.toMatchObject({ name: 'AbortError' });
    expect(opened).toBe(0);
  });

  it('closes the session and settles the result on an abort, although nobody pulls', async () => {
    const engine = smallEngine();
    const controller = new AbortController();
    const running = run(engine, ASK, { signal: controller.signal });
    await running[Symbol.asyncIterator]().next();
    controller.abort();
    await expect(async () => running.result).rejects.toMatchObject({ name: 'AbortError' });
    expect(engine.closed).toBe(1);
  });

  it('takes an engine whose clean-up is synchronous', async () => {
    const engine = smallEngine();
    const open = engine.open.bind(engine);
    engine.open = async (...args) => ({ ...(await open(...args)), close: (() => {}) as never });
    await expect(run(engine, ASK).result).resolves.toMatchObject({ output: 'You said: Hello' });
  });

  it('cleans up in the session, too, whoever pulls', async () => {
    const seen: unknown[] = [];
    const engine = smallEngine(async function* () {
      try {
        yield { type: 'message.delta', delta: 'a' };
      } finally {
        seen.push(getSessionId());
      }
    });
    for await (const event of run(engine, { ...ASK, sessionId: 'inner' })) {
      if (event.type === 'message.delta') break;
    }
    await new Promise(setImmediate);
    expect(seen).toEqual(['inner']);
  });

  it('leaves the spans of a request alone that is of another conversation', async () => {
    const parent = trace.getTracer('spec').startSpan('request');
    await withSessionId('of-request', () =>
      context.with(trace.setSpan(context.active(), parent), async () => {
        await run(smallEngine(), { ...ASK, sessionId: 'of-run' }).result;
      }),
    );
    parent.end();
    expect(spanNamed('request')?.attributes['session.id']).not.toBe('of-run');
    expect(spanNamed('invoke_agent small')?.attributes['session.id']).toBe('of-run');
  });

  it('tells no trace id where nothing traces', async () => {
    trace.disable();
    try {
      const running = run(smallEngine(), ASK);
      for await (const event of running) {
        if (event.type === 'run.start') expect(event).not.toHaveProperty('trace_id');
      }
      expect((await running.result).traceId).toBeUndefined();
    } finally {
      await tracing.stop();
      tracing = startTracing();
    }
  });

  it('ends with its client, although its handler did not think of the signal', async () => {
    const engine = smallEngine(async function* () {
      yield { type: 'message.delta', delta: 'a' };
      await new Promise(() => {});
    });
    const app = express();
    app.use(agentEnvelope());
    app.post(
      '/run',
      bind([], () => run(engine, ASK)),
    );
    const server = app.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const controller = new AbortController();
    const left = fetch(`http://127.0.0.1:${port}/run`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
      signal: controller.signal,
    }).catch(() => undefined);
    await once(server, 'request');
    controller.abort();
    await left;
    while (engine.closed === 0) await new Promise(setImmediate);
    server.close();
    expect(engine.closed).toBe(1);
  });
});

describe('the spans of a run', () => {
  it('follow the GenAI conventions', async () => {
    const { engineSessionId } = await run(smallEngine(useTool), { ...ASK, sessionId: 's' }).result;
    const ids = {
      'session.id': 's',
      'gen_ai.conversation.id': 's',
      'engine.session.id': engineSessionId,
    };
    const agent = spanNamed('invoke_agent small');
    expect(agent?.attributes).toEqual({
      ...ids,
      'gen_ai.operation.name': 'invoke_agent',
      'gen_ai.provider.name': 'small',
      'gen_ai.agent.name': 'small',
      'gen_ai.request.model': 'quoter-1',
      'gen_ai.usage.input_tokens': 11,
      'gen_ai.usage.output_tokens': 22,
      'gen_ai.response.finish_reasons': ['stop'],
    });
    const chats = tracing.finishedSpans().filter(({ name }) => name === 'chat quoter-1');
    expect(chats.map(({ attributes }) => attributes['gen_ai.usage.output_tokens'])).toEqual([
      2, 20,
    ]);
    const tool = spanNamed('execute_tool lookup');
    expect(tool?.attributes).toMatchObject({
      ...ids,
      'gen_ai.operation.name': 'execute_tool',
      'gen_ai.tool.name': 'lookup',
      'gen_ai.tool.call.id': 'call-1',
    });
    for (const span of [...chats, tool]) {
      expect(span?.parentSpanContext?.spanId).toBe(agent?.spanContext().spanId);
    }
  });

  it('hold no content unless it is asked for', async () => {
    await run(smallEngine(useTool), ASK).result;
    const plain = JSON.stringify(tracing.finishedSpans().map(({ attributes }) => attributes));
    expect(plain).not.toMatch(/Hello|private|Found/);
    tracing.reset();
    await run(smallEngine(useTool), ASK, { captureContent: true }).result;
    expect(spanNamed('invoke_agent small')?.attributes).toMatchObject({
      'gen_ai.input.messages': expect.stringContaining('Hello'),
      'gen_ai.output.messages': expect.stringContaining('Found.'),
    });
    expect(spanNamed('execute_tool lookup')?.attributes).toMatchObject({
      'gen_ai.tool.call.arguments': '{"key":"private"}',
      'gen_ai.tool.call.result': 'private result',
    });
  });

  it('tell the type of a failure, not its text', async () => {
    await run(smallEngine(fail), ASK).result.catch(() => undefined);
    const span = spanNamed('invoke_agent small');
    expect(span?.attributes['error.type']).toBe('ENGINE_FAILED');
    expect(span?.status.code).toBe(2);
    expect(JSON.stringify(span?.events)).not.toContain('private');
  });
});

describe('a run that a bound handler returns', () => {
  const app = express();
  app.use(agentEnvelope());
  app.post(
    '/run',
    bind(['inputs'], ({ inputs }, { signal }) =>
      run(inputs.fail ? smallEngine(fail) : smallEngine(), ASK, { signal }),
    ),
  );
  app.use(problemDetails());
  const post = (body: object) => request(app).post('/run').send(body);

  it('is awaited and sent as a value, its ids on the reply and not in the outputs', async () => {
    const { body, headers } = await post({ session_id: 'conv-1' });
    expect(headers['x-session-id']).toBe('conv-1');
    expect(body.session_id).toBe('conv-1');
    expect(body.data.outputs).toEqual({
      engine: 'small',
      model: 'quoter-1',
      output: 'You said: Hello',
      messages: [...ASK.messages, { role: 'assistant', content: 'You said: Hello' }],
      usage: { input_tokens: 3, output_tokens: 5 },
      stop_reason: 'stop',
    });
  });

  it.each([
    ['application/x-ndjson', (text: string) => text.trim().split('\n')],
    [
      'text/event-stream',
      (text: string) =>
        text
          .trim()
          .split('\n\n')
          .map((frame) => frame.slice(6)),
    ],
  ])('is streamed as %s, run.start first, with the id in the header', async (type, split) => {
    const reply = await post({ session_id: 'conv-1' })
      .set('accept', type)
      .buffer(true)
      .parse((res, done) => {
        let text = '';
        res.on('data', (chunk) => {
          text += chunk;
        });
        res.on('end', () => done(null, text));
      });
    expect(reply.headers['content-type']).toBe(type);
    expect(reply.headers['x-session-id']).toBe('conv-1');
    const events = split(reply.body).map((line) => JSON.parse(line));
    expect(events[0]).toMatchObject({ type: 'run.start', session_id: 'conv-1' });
    expect(events.at(-1)).toEqual({ type: 'run.end', stop_reason: 'stop' });
  });

  it.each(['application/json', 'application/x-ndjson'])(
    "teaches the client the engine's id when it sent none (%s)",
    async (type) => {
      const reply = await post({}).set('accept', type).buffer(true);
      const id = reply.headers['x-session-id'];
      expect(id).toMatch(/^[0-9a-f-]{36}$/);
      expect(reply.text).toContain(`"session_id":"${id}"`);
    },
  );

  it.each(['application/json', 'application/x-ndjson', 'text/event-stream'])(
    'fails as a problem with the session id (%s)',
    async (type) => {
      const reply = await post({ session_id: 'conv-1', inputs: { fail: true } })
        .set('accept', type)
        .buffer(true);
      expect(reply.text).toContain('ENGINE_FAILED');
      expect(reply.text).toContain('"session_id":"conv-1"');
      expect(reply.text).not.toContain('private');
    },
  );
});

describe('a run is told by its brand:', () => {
  const app = express();
  app.use(agentEnvelope());
  app.post(
    '/lookalike',
    bind([], () => {
      async function* items() {
        yield { n: 1 };
        yield { n: 2 };
      }
      // As Mastra's stream has a promise by this name.
      return Object.assign(items(), { result: Promise.resolve(1) });
    }),
  );
  app.post(
    '/awaited',
    bind([], async () => {
      const running = run(smallEngine(), ASK);
      await running.result;
      return running;
    }),
  );
  app.use(problemDetails());
  const post = (path: string, accept: string) =>
    request(app).post(path).set('accept', accept).send({ session_id: 's' }).buffer(true);

  it('a stream with a promise named result keeps its items', async () => {
    const { status, headers, text } = await post('/lookalike', '*/*');
    expect([status, headers['content-type']]).toEqual([200, 'application/x-ndjson']);
    expect(text).toBe('{"n":1}\n{"n":2}\n');
  });

  it('looking at it does not start it, and another copy of the package knows it', () => {
    const running = run({ ...smallEngine(), open: () => Promise.reject(new Error('opened')) }, ASK);
    expect(isAgentRun(running)).toBe(true);
    expect(Symbol.for('express-agent-envelope.run') in running).toBe(true);
  });

  it.each(['application/json', 'application/x-ndjson', 'text/event-stream'])(
    'one whose handler has awaited its result is answered in full (%s)',
    async (type) => {
      const { status, text } = await post('/awaited', type);
      expect(status).toBe(200);
      expect(text).toContain('You said: ');
      expect(text).toContain('Hello');
      expect(text).toContain('stop_reason');
    },
  );
});

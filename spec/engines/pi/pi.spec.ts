import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Context,
  fauxAssistantMessage,
  fauxText,
  fauxThinking,
  fauxToolCall,
  getApiProviders,
} from '@earendil-works/pi-ai';
import { defineTool } from '@earendil-works/pi-coding-agent';
import { jest } from '@jest/globals';
import { trace } from '@opentelemetry/api';
import { Type } from 'typebox';
import { conformance } from '../../../lib/engines/conformance/index.js';
import {
  type AgentEvent,
  type AgentMessage,
  type AgentRun,
  type MessagePart,
  run,
} from '../../../lib/engines/index.js';
import { requirePeers } from '../../../lib/engines/peer.js';
import { type FauxOptions, type PiOptions, pi } from '../../../lib/engines/pi/index.js';
import { EnvelopeError } from '../../../lib/index.js';
import { startTracing } from '../tracing.js';

const KEY = /_API_KEY$|_TOKEN$|^AWS_|^GOOGLE_|^GCLOUD_/;
const environment = { ...process.env };
let tracing: ReturnType<typeof startTracing>;
beforeAll(() => {
  tracing = startTracing();
});
beforeEach(() => {
  tracing.reset();
  for (const name of Object.keys(process.env)) if (KEY.test(name)) delete process.env[name];
});
afterAll(async () => {
  Object.assign(process.env, environment);
  await tracing.stop();
});

type Respond = NonNullable<FauxOptions['respond']>;
const faux = (respond?: Respond, tokensPerSecond?: number, options?: PiOptions) =>
  pi({ model: 'faux', faux: { respond, tokensPerSecond }, ...options });
const ask = (...contents: string[]) => ({
  messages: contents.map((content, i): AgentMessage => {
    return { role: i % 2 === 0 ? 'user' : 'assistant', content };
  }),
});
const LONG = 'many words '.repeat(100);

async function collect(events: AsyncIterable<AgentEvent>): Promise<AgentEvent[]> {
  const collected: AgentEvent[] = [];
  for await (const event of events) collected.push(event);
  return collected;
}

const failureOf = (running: AgentRun) =>
  running.result.then(
    () => {
      throw new Error('The run has succeeded');
    },
    (error: unknown) => error as EnvelopeError,
  );

/** The directory a session works in, as Pi tells the model. */
const cwdOf = ({ systemPrompt = '' }: Context) =>
  /working directory: (\S+)/.exec(systemPrompt)?.[1] ?? '';

/** Calls the tools of `names` first, and quotes their results then. */
const useTools =
  (...names: string[]): Respond =>
  ({ messages }) => {
    const results = messages.filter((message) => message.role === 'toolResult');
    if (results.length > 0) return `Results: ${JSON.stringify(results.map((r) => r.content))}`;
    const calls = names.map((name, i) => fauxToolCall(name, { n: 20 + i }, { id: `call-${i}` }));
    return fauxAssistantMessage([fauxText('Let me see.'), ...calls], { stopReason: 'toolUse' });
  };

const double = defineTool({
  name: 'double',
  label: 'Double',
  description: 'Doubles a number',
  parameters: Type.Object({ n: Type.Number() }),
  async execute(_id, { n }) {
    trace.getTracer('spec').startSpan('inside the tool').end();
    return { content: [{ type: 'text', text: String(2 * n) }], details: { secret: 'of the host' } };
  },
});
const broken = defineTool({
  ...double,
  name: 'broken',
  async execute() {
    throw new Error('the tool broke');
  },
});

describe('pi conforms: it', () => {
  const cases = conformance({
    engine: () => faux(),
    failingEngine: () =>
      faux(() => {
        throw new Error('boom');
      }),
    finishedSpans: () => tracing.finishedSpans(),
    quotes: true,
  });
  it.each(cases)('$name', ({ test }) => test());
});

describe('a run of pi', () => {
  it('streams text, counts tokens and ends with a reason', async () => {
    const running = run(faux(), ask('Hello there'));
    const events = await collect(running);
    const result = await running.result;
    const answer = 'I have seen 1 message(s). The last one says: Hello there';
    expect(events.filter(({ type }) => type === 'message.delta').length).toBeGreaterThan(1);
    expect(events.slice(-2)).toEqual([
      { type: 'usage', input_tokens: expect.any(Number), output_tokens: answer.length / 4 },
      { type: 'run.end', stop_reason: 'stop' },
    ]);
    expect(result).toMatchObject({ output: answer, stopReason: 'stop', model: 'faux-1' });
  });

  it('counts the tokens of the prompt once', async () => {
    let prompt = '';
    const respond: Respond = ({ systemPrompt }) => {
      prompt = systemPrompt ?? '';
      return 'yes';
    };
    const { usage } = await run(faux(respond), ask('Hello')).result;
    const total = `system:${prompt}\n\nuser:Hello`.length;
    expect(usage?.inputTokens).toBe(Math.ceil(total / 4));
  });

  it('sees the whole conversation, and its own answer in the next turn', async () => {
    const contexts: Context[] = [];
    const engine = faux((context) => {
      contexts.push(structuredClone({ ...context, tools: [] }));
      return `answer ${contexts.length}`;
    });
    const system = { role: 'system', content: 'Be brief.' } as const;
    const request = { messages: [system, ...ask('one', 'two', 'three').messages] };
    const first = await run(engine, request).result;
    const question = { role: 'user', content: 'four' } as const;
    const second = await run(engine, { messages: [...first.messages, question] }).result;
    const seen = contexts.map(({ messages }) =>
      messages.map(({ role, content }) => {
        const text = Array.isArray(content)
          ? content.map((part) => 'text' in part && part.text)
          : content;
        return `${role}: ${text}`;
      }),
    );
    expect(seen).toEqual([
      ['user: one', 'assistant: two', 'user: three'],
      ['user: one', 'assistant: two', 'user: three', 'assistant: answer 1', 'user: four'],
    ]);
    for (const { systemPrompt } of contexts) {
      expect(systemPrompt).toMatch(/^You are a helpful assistant\.\n\nBe brief\.\n/);
    }
    expect(second.messages).toEqual([
      ...request.messages,
      { role: 'assistant', content: 'answer 1' },
      question,
      { role: 'assistant', content: 'answer 2' },
    ]);
  });

  it("follows the caller's instructions, and takes a prompt that begins with a slash as it is", async () => {
    let seen = '';
    const respond: Respond = ({ systemPrompt }) => {
      seen = systemPrompt ?? '';
      return 'yes';
    };
    await run(faux(respond, undefined, { instructions: 'Talk like a pirate.' }), ask('/help'))
      .result;
    expect(seen).toMatch(/^Talk like a pirate\.\n/);
    const { output } = await run(faux(), ask('/skill:x hello')).result;
    expect(output).toMatch(/says: \/skill:x hello$/);
  });

  it("passes on the model's reason to stop", async () => {
    const engine = faux(() => fauxAssistantMessage('cut sh', { stopReason: 'length' }));
    expect((await run(engine, ask('Hello')).result).stopReason).toBe('length');
  });

  it('gives Pi nothing to read: no context file, no tool, no id of the platform', async () => {
    const home = process.cwd();
    const folder = mkdtempSync(join(tmpdir(), 'express-agent-envelope-spec-'));
    writeFileSync(join(folder, 'AGENTS.md'), 'MARKER');
    let seen: Context | undefined;
    let files: string[] = [];
    const respond: Respond = (context) => {
      seen = context;
      files = readdirSync(cwdOf(context));
      return 'yes';
    };
    process.chdir(folder);
    try {
      const request = { ...ask('Hello'), sessionId: 'platform-id' };
      const { engineSessionId, sessionId } = await run(faux(respond), request).result;
      expect(sessionId).toBe('platform-id');
      expect(engineSessionId).toMatch(/^[0-9a-f-]{36}$/);
    } finally {
      process.chdir(home);
      rmSync(folder, { recursive: true });
    }
    expect(seen?.tools).toEqual([]);
    expect(files).toEqual([]);
    expect(JSON.stringify(seen)).not.toMatch(/MARKER|platform-id/);
  });

  it('keeps sessions that run at the same time apart', async () => {
    const engine = faux(
      ({ messages }) => JSON.stringify(messages.at(-1)?.content).repeat(9),
      2_000,
    );
    const letters = ['A', 'B', 'C', 'D'];
    const outputs = await Promise.all(
      letters.map(async (letter) => (await run(engine, ask(letter.repeat(20))).result).output),
    );
    for (const [i, letter] of letters.entries()) {
      expect(outputs[i]?.match(/[A-D]/g)?.join('')).toBe(letter.repeat(180));
    }
  });
});

describe('a tool', () => {
  it('is called and answered in events, without what its details hold', async () => {
    const engine = faux(useTools('double'), undefined, { tools: [double] });
    const running = run(engine, { ...ask('20 * 2?'), sessionId: 'conv-1' });
    const events = await collect(running);
    expect(events.filter(({ type }) => !/^message|^run/.test(type))).toEqual([
      { type: 'usage', input_tokens: expect.any(Number), output_tokens: expect.any(Number) },
      { type: 'tool.call', id: 'call-0', name: 'double', arguments: { n: 20 } },
      { type: 'tool.result', id: 'call-0', output: '40', is_error: false },
      { type: 'usage', input_tokens: expect.any(Number), output_tokens: expect.any(Number) },
    ]);
    expect((await running.result).output).toBe(
      'Let me see.\n\nResults: [[{"type":"text","text":"40"}]]',
    );
    expect(JSON.stringify(events)).not.toContain('of the host');
  });

  it("runs in the run's session: its spans carry the id and stand under the run's", async () => {
    const engine = faux(useTools('double'), undefined, { tools: [double] });
    await run(engine, { ...ask('20 * 2?'), sessionId: 'conv-1' }).result;
    const spans = tracing.finishedSpans();
    expect(spans.map(({ name }) => name).sort()).toEqual([
      'chat faux-1',
      'chat faux-1',
      'execute_tool double',
      'inside the tool',
      'invoke_agent pi',
    ]);
    const agent = spans.find(({ name }) => name === 'invoke_agent pi');
    for (const span of spans) {
      expect(span.attributes['session.id']).toBe('conv-1');
      if (span !== agent) {
        expect(span.parentSpanContext?.spanId).toBe(agent?.spanContext().spanId);
      }
    }
  });

  it('that throws, and one that is not there, are results which say so', async () => {
    const engine = faux(useTools('broken', 'bash'), undefined, { tools: [broken] });
    const events = await collect(run(engine, ask('try')));
    expect(events.filter(({ type }) => type === 'tool.result')).toEqual(
      expect.arrayContaining([
        { type: 'tool.result', id: 'call-0', output: 'the tool broke', is_error: true },
        { type: 'tool.result', id: 'call-1', output: 'Tool bash not found', is_error: true },
      ]),
    );
    expect(events.at(-1)).toEqual({ type: 'run.end', stop_reason: 'stop' });
  });

  it('may answer with more than text', async () => {
    const content = [
      { type: 'text' as const, text: 'a picture' },
      { type: 'image' as const, data: 'AAAA', mimeType: 'image/png' },
    ];
    const draw = defineTool({
      ...double,
      name: 'draw',
      execute: async () => ({ content, details: undefined }),
    });
    const engine = faux(useTools('draw'), undefined, { tools: [draw] });
    const events = await collect(run(engine, ask('draw')));
    expect(events.find(({ type }) => type === 'tool.result')).toMatchObject({ output: content });
  });
});

describe('messages with parts', () => {
  const DATA = 'iVBORw0KGgo=';
  const image = { type: 'image', media_type: 'image/png', data: DATA } as const;
  const text = (content: string) => ({ type: 'text' as const, text: content });
  const user = (...content: MessagePart[]): AgentMessage => ({ role: 'user', content });
  const seenBy = async (...messages: AgentMessage[]) => {
    const contexts: Context[] = [];
    const engine = faux((context) => {
      contexts.push(structuredClone({ ...context, tools: [] }));
      return 'seen';
    });
    await run(engine, { messages }).result;
    return contexts[0]?.messages;
  };

  it('give the model the images of the question and of the history', async () => {
    const seen = await seenBy(
      user(text('First'), image),
      { role: 'assistant', content: [text('I see')] },
      user(image, text('And now?')),
    );
    const given = { type: 'image', data: DATA, mimeType: 'image/png' };
    expect(seen).toMatchObject([
      { role: 'user', content: [{ text: 'First' }, given] },
      { role: 'assistant', content: [{ text: 'I see' }] },
      { role: 'user', content: [{ text: 'And now?' }, given] },
    ]);
  });

  it('give the model the calls and results of its tools in earlier turns', async () => {
    const engine = faux(useTools('double', 'broken'), undefined, { tools: [double, broken] });
    const first = await run(engine, ask('double it')).result;
    expect(await seenBy(...first.messages, user(text('Sure?')))).toMatchObject([
      { role: 'user' },
      {
        role: 'assistant',
        stopReason: 'toolUse',
        content: [
          { type: 'text', text: 'Let me see.' },
          { type: 'toolCall', id: 'call-0', name: 'double', arguments: { n: 20 } },
          { type: 'toolCall', id: 'call-1', name: 'broken', arguments: { n: 21 } },
        ],
      },
      {
        role: 'toolResult',
        toolCallId: 'call-0',
        toolName: 'double',
        content: [{ type: 'text', text: '40' }],
        isError: false,
      },
      { role: 'toolResult', toolCallId: 'call-1', toolName: 'broken', isError: true },
      { role: 'assistant', stopReason: 'stop', content: [{ type: 'text' }] },
      { role: 'user', content: [{ type: 'text', text: 'Sure?' }] },
    ]);
  });

  it('give the model what other engines have called and got, as an object and as text', async () => {
    const content = [
      { type: 'tool.call', id: 'a', name: 'read', arguments: 'a.txt' },
      { type: 'tool.result', id: 'a', output: { lines: 2 }, is_error: false },
      { type: 'tool.call', id: 'b', name: 'draw', arguments: {} },
      {
        type: 'tool.result',
        id: 'b',
        output: [{ type: 'image', data: DATA, mimeType: 'image/png' }],
        is_error: false,
      },
    ] as const;
    const seen = await seenBy(user(text('Hi')), { role: 'assistant', content }, user(text('And?')));
    expect(seen?.slice(1, -1)).toMatchObject([
      { content: [{ type: 'toolCall', id: 'a', arguments: { input: 'a.txt' } }] },
      { toolName: 'read', content: [{ type: 'text', text: '{"lines":2}' }] },
      { content: [{ type: 'toolCall', id: 'b' }] },
      { toolName: 'draw', content: [{ type: 'image', data: DATA }] },
    ]);
  });

  it.each<[string, MessagePart, string]>([
    [
      'a file',
      { type: 'file', media_type: 'text/plain', data: 'SGk=' },
      'is of the type file, which the engine "pi" cannot take',
    ],
    [
      'an image by its URL',
      { type: 'image', media_type: 'image/png', url: 'https://h/a.png' },
      'is of the type image with a url, which Pi cannot take',
    ],
  ])('are refused with %s', async (_what, part, detail) => {
    const attempt = async () => run(faux(), { messages: [user(text('Hi'), part)] }).result;
    await expect(attempt).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      status: 422,
      errors: [{ pointer: '/messages/0/content/1', detail }],
    });
  });

  it('are refused with an image by a model that takes none', async () => {
    process.env.GROQ_API_KEY = 'unused';
    const engine = pi({ model: 'groq/llama-3.3-70b-versatile' });
    await expect(run(engine, { messages: [user(image)] }).result).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      errors: [
        {
          pointer: '/messages/0/content/0',
          detail: 'is of the type image, which the model "llama-3.3-70b-versatile" cannot take',
        },
      ],
    });
  });
});

describe('what the model thinks', () => {
  it('is told as reasoning, apart from the answer', async () => {
    const engine = faux(() => fauxAssistantMessage([fauxThinking('Hm.'), fauxText('Yes')]));
    const events = await collect(run(engine, ask('Hello')));
    expect(events.filter(({ type }) => type.endsWith('.delta'))).toEqual([
      { type: 'reasoning.delta', delta: 'Hm.' },
      { type: 'message.delta', delta: 'Yes' },
    ]);
  });
});

describe('a run of pi fails when', () => {
  it.each<[string, Respond]>([
    [
      'the provider throws',
      () => {
        throw new Error('boom 42');
      },
    ],
    [
      'the answer ends with an error',
      () => fauxAssistantMessage('half', { stopReason: 'error', errorMessage: 'boom 42' }),
    ],
  ])('%s: ENGINE_FAILED, with the reason as its cause alone', async (_title, respond) => {
    const error = await failureOf(run(faux(respond), ask('Hello')));
    expect(error).toBeInstanceOf(EnvelopeError);
    expect(error).toMatchObject({ code: 'ENGINE_FAILED', status: 502 });
    expect(error.message).not.toContain('boom');
    expect(error.cause).toMatchObject({ message: 'boom 42' });
  });

  it('the provider is overloaded: whether to try again is up to who asked', async () => {
    let calls = 0;
    const engine = faux(() => {
      calls += 1;
      throw new Error('503 overloaded');
    });
    expect(await failureOf(run(engine, ask('Hello')))).toMatchObject({ code: 'ENGINE_FAILED' });
    expect(calls).toBe(1);
  });

  it('the answer ends without a reason', async () => {
    const engine = faux(() => fauxAssistantMessage('half', { stopReason: 'aborted' }));
    const { code, cause } = await failureOf(run(engine, ask('Hello')));
    expect(code).toBe('ENGINE_FAILED');
    expect(cause).toMatchObject({ message: `The model's answer ended with "aborted"` });
  });

  it.each([
    'anthropic/nope',
    'nope/claude-opus-4-5',
    'claude-opus-4-5',
    'faux-1',
    '/',
    '',
    'a/b/c',
  ])('the request names the unknown model %p, and does not repeat the name', async (model) => {
    const error = await failureOf(run(faux(), { ...ask('Hello'), model }));
    expect(error).toMatchObject({
      code: 'ENGINE_FAILED',
      message: 'Pi does not know the model: it must be "faux" or "provider/model-id"',
    });
  });

  it("there is no key for the model's provider", async () => {
    const error = await failureOf(run(pi({ model: 'anthropic/claude-opus-4-5' }), ask('Hello')));
    expect(error).toMatchObject({
      code: 'ENGINE_FAILED',
      message: 'The environment has no key for the provider "anthropic"',
    });
  });

  it('no model is named and there is no key at all', async () => {
    const error = await failureOf(run(pi(), ask('Hello')));
    expect(error.code).toBe('ENGINE_FAILED');
    expect(error.message).toMatch(/^No model was named, and the environment has no key/);
  });

  it('its session cannot be made, and leaves nothing behind', async () => {
    const folders = () => readdirSync(tmpdir()).filter((name) => name.includes('envelope-pi-'));
    const before = folders();
    let during: string[] = [];
    const trap = Object.defineProperty({ ...double }, 'description', {
      get() {
        during = folders().filter((name) => !before.includes(name));
        throw new Error('no description');
      },
    });
    const error = await failureOf(run(faux(undefined, undefined, { tools: [trap] }), ask('Hello')));
    expect(error.cause).toMatchObject({ message: 'no description' });
    expect(during).not.toEqual([]);
    // Specs that run at the same time have folders of their own, for a moment.
    while (folders().some((name) => during.includes(name))) await new Promise(setImmediate);
  });
});

describe('the model of a run', () => {
  const modelOf = async (options: PiOptions, model?: string) => {
    const session = await pi(options).open(
      { ...ask('Hello'), model },
      new AbortController().signal,
    );
    await session.close();
    return session.model;
  };

  it("is the request's before the options'", async () => {
    process.env.ANTHROPIC_API_KEY = 'not-a-key';
    expect(await modelOf({ model: 'faux' }, 'anthropic/claude-opus-4-5')).toBe('claude-opus-4-5');
    expect(await modelOf({ model: 'anthropic/claude-opus-4-5' }, 'faux')).toBe('faux-1');
    expect(await modelOf({ model: 'anthropic/claude-opus-4-5' })).toBe('claude-opus-4-5');
  });

  it('may have slashes in its id', async () => {
    process.env.OPENROUTER_API_KEY = 'not-a-key';
    const id = 'anthropic/claude-3-haiku';
    expect(await modelOf({ model: `openrouter/${id}` })).toBe(id);
  });

  it("is Pi's choice among those there is a key for, when none is named", async () => {
    process.env.ANTHROPIC_API_KEY = 'not-a-key';
    expect(await modelOf({})).toMatch(/^claude-/);
  });
});

describe('a run of pi that ends early', () => {
  it('does not start when the signal has aborted before', async () => {
    let calls = 0;
    const engine = faux(() => `call ${++calls}`);
    const signal = AbortSignal.abort(new Error('too late'));
    await expect(run(engine, ask('Hello'), { signal }).result).rejects.toThrow('too late');
    expect(calls).toBe(0);
  });

  it('aborts the call to the model when the signal aborts as the prompt is sent', async () => {
    const controller = new AbortController();
    const aborted: unknown[] = [];
    const engine = faux((_context, signal) => {
      aborted.push(signal?.aborted);
      return LONG;
    }, 1_000);
    const session = await engine.open(ask('Hello'), controller.signal);
    const first = session.prompt(ask('Hello'))[Symbol.asyncIterator]().next();
    controller.abort(new Error('changed my mind'));
    await expect(first).rejects.toThrow('changed my mind');
    await session.close();
    expect(aborted).toEqual([true]);
  });

  it.each<[string, (controller: AbortController) => void]>([
    ['the signal aborts', (controller) => controller.abort()],
    ['the consumer stops', () => {}],
  ])('lets go of everything when %s in the middle', async (title, act) => {
    let cwd = '';
    let stopped: AbortSignal | undefined;
    const engine = faux((context, signal) => {
      cwd = cwdOf(context);
      stopped = signal;
      return LONG;
    }, 1_000);
    const controller = new AbortController();
    const running = run(engine, ask('Hello'), { signal: controller.signal });
    let existed = false;
    const consume = async () => {
      for await (const event of running) {
        if (event.type !== 'message.delta') continue;
        existed = existsSync(cwd);
        act(controller);
        if (title.includes('consumer')) break;
      }
    };
    if (title.includes('consumer')) await consume();
    else await expect(consume()).rejects.toThrow(controller.signal.reason);
    await expect(running.result).rejects.toMatchObject({ name: 'AbortError' });
    expect(existed).toBe(true);
    expect(existsSync(cwd)).toBe(false);
    expect(stopped?.aborted).toBe(true);
  });

  it('leaves no directory and no provider behind when it succeeds or fails, either', async () => {
    const cwds: string[] = [];
    const engine = faux((context) => {
      cwds.push(cwdOf(context));
      if (cwds.length > 1) throw new Error('boom');
      return 'yes';
    });
    const providers = getApiProviders().length;
    await run(engine, ask('Hello')).result;
    await expect(collect(run(engine, ask('Hello')))).rejects.toThrow(EnvelopeError);
    expect(getApiProviders().length).toBe(providers);
    expect(cwds).toEqual([expect.stringContaining('envelope-pi-'), expect.stringContaining('-')]);
    expect(cwds.filter((cwd) => existsSync(cwd))).toEqual([]);
  });

  it('waits for a tool that heeds its signal', async () => {
    let ended = false;
    const slow = defineTool({
      ...double,
      name: 'slow',
      execute: (_id, _args, signal) =>
        new Promise((_resolve, reject) => {
          signal?.addEventListener('abort', () => {
            ended = true;
            reject(new Error('stopped'));
          });
        }),
    });
    const running = run(faux(useTools('slow'), undefined, { tools: [slow] }), ask('wait'));
    for await (const event of running) if (event.type === 'tool.call') break;
    expect(ended).toBe(true);
  });

  it('does not wait for ever for one that ignores it', async () => {
    let started = () => {};
    const runs = new Promise<void>((resolve) => {
      started = resolve;
    });
    const deaf = defineTool({
      ...double,
      name: 'deaf',
      execute: () => {
        started();
        return new Promise<never>(() => {});
      },
    });
    let cwd = '';
    const respond: Respond = (context, signal) => {
      cwd = cwdOf(context);
      return useTools('deaf')(context, signal);
    };
    const engine = faux(respond, undefined, { tools: [deaf] });
    const session = await engine.open(ask('wait'), new AbortController().signal);
    const events = collect(session.prompt(ask('wait')));
    await runs;
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
    try {
      const closing = session.close();
      await expect(events).rejects.toMatchObject({ name: 'AbortError' });
      expect(existsSync(cwd)).toBe(true);
      await jest.advanceTimersByTimeAsync(2_000);
      await closing;
    } finally {
      jest.useRealTimers();
    }
    expect(existsSync(cwd)).toBe(false);
  });

  it('may be closed twice, and answers nothing after that', async () => {
    const session = await faux().open(ask('Hello'), new AbortController().signal);
    await Promise.all([session.close(), session.close()]);
    await expect(collect(session.prompt(ask('Hello')))).rejects.toThrow(
      'The session of Pi is closed',
    );
  });
});

describe('the options of pi()', () => {
  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['{}', {}],
    ['an object without a prototype', Object.create(null)],
    [
      'undefined for every option',
      { model: undefined, instructions: undefined, tools: undefined, faux: undefined },
    ],
    [
      'undefined for every option of faux',
      { faux: { respond: undefined, tokensPerSecond: undefined } },
    ],
    ['right ones', { model: 'faux', instructions: 'x', tools: [double, broken], faux: {} }],
    ['a model with slashes in its id', { model: 'openrouter/anthropic/claude' }],
  ])('may be %s', (_title, options) => {
    expect(pi(options as PiOptions).name).toBe('pi');
  });

  it.each<[string, unknown]>([
    ['pi: options must be an object', null],
    ['pi: options must be an object', 'faux'],
    ['pi: options must be an object', [double]],
    ['pi: options must be among model, instructions, tools, faux', { modle: 'faux' }],
    ['pi: options must be among', { toString: 1 }],
    ['pi: options must be among', JSON.parse('{"__proto__":{}}')],
    ["pi: model must be 'faux' or 'provider/model-id'", { model: '' }],
    ['pi: model must be', { model: null }],
    ['pi: model must be', { model: 'claude' }],
    ['pi: model must be', { model: '/claude' }],
    ['pi: model must be', { model: 'anthropic/' }],
    ['pi: instructions must be text that is not blank', { instructions: ' \n' }],
    ['pi: instructions must be', { instructions: null }],
    ['pi: tools must be an array', { tools: double }],
    ['pi: tools must be an array', { tools: null }],
    ["pi: tools[0] must be a tool of Pi's", { tools: ['bash'] }],
    ["pi: tools[1] must be a tool of Pi's", { tools: [double, { name: 'x' }] }],
    ['pi: tools[0].name must be', { tools: [{ ...double, name: '' }] }],
    ['pi: tools must have unique names', { tools: [double, { ...double }] }],
    ['pi: faux must be an object', { faux: null }],
    ['pi: faux must be an object', { faux: () => 'yes' }],
    ['pi: faux must be among respond, tokensPerSecond', { faux: { response: 'yes' } }],
    ['pi: faux.respond must be a function', { faux: { respond: 'yes' } }],
    ['pi: faux.tokensPerSecond must be a number above 0', { faux: { tokensPerSecond: 0 } }],
    ['pi: faux.tokensPerSecond must be', { faux: { tokensPerSecond: '9' } }],
    ['pi: faux.tokensPerSecond must be', { faux: { tokensPerSecond: Number.NaN } }],
    ['pi: faux.tokensPerSecond must be', { faux: { tokensPerSecond: Infinity } }],
  ])('are refused: %s, got %j', (text, options) => {
    const act = () => pi(options as PiOptions);
    expect(act).toThrow(TypeError);
    expect(act).toThrow(text);
    expect(act).toThrow(/, got ./);
  });
});

describe('a package that is not installed', () => {
  const NAME = '@nobody/not-there';

  it('is named at once, with the command that installs all that is needed', () => {
    expect(() => requirePeers('pi()', ['@earendil-works/pi-ai', 'express', NAME])).toThrow(
      expect.objectContaining({
        code: 'PEER_MISSING',
        message: `pi() needs ${NAME}: npm install @earendil-works/pi-ai express ${NAME}`,
      }),
    );
    expect(() => requirePeers('pi()', ['express', NAME], '0.74')).toThrow(
      `pi() needs ${NAME}: npm install express@0.74 ${NAME}@0.74`,
    );
    expect(() => requirePeers('pi()', ['@earendil-works/pi-ai', 'express'])).not.toThrow();
  });
});

import { setImmediate } from 'node:timers/promises';
import { jest } from '@jest/globals';
import { trace } from '@opentelemetry/api';
import { tool } from 'ai';
import { z } from 'zod';
import { aiSdk } from '../../../lib/engines/ai-sdk/index.js';
import { conformance } from '../../../lib/engines/conformance/index.js';
import {
  type AgentEvent,
  type AgentMessage,
  type AgentRun,
  run,
} from '../../../lib/engines/index.js';
import { gate } from '../../helpers.js';
import { startTracing } from '../tracing.js';
import { call, mockModel, type Part, quoter, reasoning, step, text } from './model.js';

const ASK = { messages: [{ role: 'user', content: 'Hello' }] } as const;
const DATA = 'iVBORw0KGgo=';

let tracing: ReturnType<typeof startTracing>;
const printed: unknown[][] = [];
beforeAll(() => {
  tracing = startTracing();
  for (const name of ['log', 'warn', 'error'] as const) {
    jest.spyOn(console, name).mockImplementation((...args) => void printed.push(args));
  }
});
beforeEach(() => tracing.reset());
afterEach(() => expect(printed.splice(0)).toEqual([]));
afterAll(() => tracing.stop());

async function collect(running: AgentRun): Promise<AgentEvent[]> {
  const events: AgentEvent[] = [];
  for await (const event of running) events.push(event);
  return events;
}
const failureOf = (running: AgentRun): Promise<unknown> =>
  running.result.then(
    () => 'a result',
    (error: unknown) => error,
  );

const double = tool({
  description: 'Doubles a number',
  inputSchema: z.object({ n: z.number() }),
  execute: async ({ n }) => {
    trace.getTracer('spec').startSpan('inside the tool').end();
    return { doubled: 2 * n };
  },
});
const broken = tool({
  inputSchema: z.object({}),
  execute: async (): Promise<string> => {
    throw new Error('the tool broke');
  },
});
/** Calls `parts` first, and answers then. */
const toolUser = (parts: readonly Part[]) =>
  mockModel((_options, n) =>
    n === 0
      ? step([...text('Let me see.'), ...parts], 'tool-calls', [1, 2])
      : step(text('Done.'), 'stop', [10, 20]),
  );

describe('aiSdk() conforms: it', () => {
  const cases = conformance({
    engine: () => aiSdk({ model: quoter() }),
    failingEngine: () =>
      aiSdk({
        model: mockModel(() => {
          throw new Error('boom');
        }),
      }),
    finishedSpans: () => tracing.finishedSpans(),
    quotes: true,
  });
  it.each(cases)('$name', ({ test }) => test());
});

describe('a run of aiSdk()', () => {
  it('has text, reasoning, tokens, the reason of the end, and the model', async () => {
    const model = mockModel(() => step([...reasoning('Hm.'), ...text('Yes', '!')], 'length'));
    const running = run(aiSdk({ model }), ASK);
    expect((await collect(running)).slice(1)).toEqual([
      { type: 'reasoning.delta', delta: 'Hm.' },
      { type: 'message.delta', delta: 'Yes' },
      { type: 'message.delta', delta: '!' },
      { type: 'usage', input_tokens: 3, output_tokens: 5 },
      { type: 'run.end', stop_reason: 'length' },
    ]);
    expect(await running.result).toMatchObject({
      engine: 'ai-sdk',
      output: 'Yes!',
      stopReason: 'length',
      model: 'mock-1',
    });
  });

  it('calls tools in as many steps as the model needs', async () => {
    const model = toolUser([call('c1', 'double', { n: 2 }), call('c2', 'broken', {})]);
    const running = run(aiSdk({ model, tools: { double, broken } }), ASK);
    const events = await collect(running);
    expect(events.filter(({ type }) => type.startsWith('tool.'))).toEqual(
      expect.arrayContaining([
        { type: 'tool.call', id: 'c1', name: 'double', arguments: { n: 2 } },
        { type: 'tool.call', id: 'c2', name: 'broken', arguments: {} },
        { type: 'tool.result', id: 'c1', output: { doubled: 4 }, is_error: false },
        { type: 'tool.result', id: 'c2', output: 'the tool broke', is_error: true },
      ]),
    );
    expect(await running.result).toMatchObject({
      output: 'Let me see.\n\nDone.',
      usage: { inputTokens: 11, outputTokens: 22 },
      stopReason: 'stop',
    });
  });

  it.each<[what: string, thrown: unknown, output: string]>([
    ['null', null, 'null'],
    ['text', 'no luck', 'no luck'],
    ['what has no text', Object.create(null), 'The tool failed'],
    [
      'what cannot be made text',
      {
        toString() {
          throw new Error('private');
        },
      },
      'The tool failed',
    ],
    ['an error whose message is no text', Object.assign(new Error(), { message: 7 }), 'Error: 7'],
  ])('goes on after a tool that throws %s', async (_what, thrown, output) => {
    const throwing = tool({
      inputSchema: z.object({}),
      execute: async (): Promise<string> => {
        throw thrown;
      },
    });
    const model = toolUser([call('c1', 'throwing', {})]);
    const events = await collect(run(aiSdk({ model, tools: { throwing } }), ASK));
    const results = events.filter(({ type }) => type === 'tool.result');
    expect(results).toEqual([{ type: 'tool.result', id: 'c1', output, is_error: true }]);
    expect(events.at(-1)).toEqual({ type: 'run.end', stop_reason: 'stop' });
  });

  it.each<[counted: unknown[], usage: object | undefined]>([
    [[Number.NaN, Number.NaN], undefined],
    [[-1, Number.POSITIVE_INFINITY], undefined],
    [['3', null], undefined],
    [[Number.NaN, 5], { inputTokens: 0, outputTokens: 5 }],
  ])('does not fail of what a provider counts: %p', async (counted, usage) => {
    const model = mockModel(() => step(text('Done.'), 'stop', counted as never));
    const { output, usage: told } = await run(aiSdk({ model }), ASK).result;
    expect([output, told]).toEqual(['Done.', usage]);
  });

  it('tells calls of tools that are not there, or with arguments that do not fit, as errors', async () => {
    const model = toolUser([call('c1', 'nothing', {}), call('c2', 'double', { n: 'two' })]);
    const events = await collect(run(aiSdk({ model, tools: { double } }), ASK));
    const results = events.filter(({ type }) => type === 'tool.result');
    expect(results).toMatchObject([
      { id: 'c1', is_error: true },
      { id: 'c2', is_error: true },
    ]);
    expect(events.at(-1)).toEqual({ type: 'run.end', stop_reason: 'stop' });
  });

  it('denies a tool that waits for an approval', async () => {
    const model = toolUser([call('c1', 'double', { n: 2 })]);
    const tools = { double: { ...double, needsApproval: true } };
    const events = await collect(run(aiSdk({ model, tools }), ASK));
    expect(events.filter(({ type }) => type.startsWith('tool.'))).toMatchObject([
      { type: 'tool.call', id: 'c1' },
      {
        type: 'tool.result',
        id: 'c1',
        output: 'The tool was denied: nobody can approve it',
        is_error: true,
      },
    ]);
  });

  describe("with approvals: 'ask'", () => {
    const ran: unknown[] = [];
    const guarded = tool({
      inputSchema: z.object({ n: z.number() }),
      needsApproval: true,
      execute: async ({ n }) => {
        ran.push(n);
        return { doubled: 2 * n };
      },
    });
    const engine = () =>
      aiSdk({
        model: toolUser([call('c1', 'guarded', { n: 2 }), call('c2', 'double', { n: 3 })]),
        tools: { guarded, double },
        approvals: 'ask',
      });
    const ends = (n: number) => mockModel(() => step(text(`Done ${n}.`)));
    const toolEvents = (events: AgentEvent[]) =>
      events.filter(({ type }) => type.startsWith('tool.'));
    /** The second turn: with the answer to the question of the first one. */
    const decide = async (approved: boolean) => {
      ran.length = 0;
      const { messages } = await run(engine(), ASK).result;
      const model = ends(1);
      const second = run(aiSdk({ model, tools: { guarded, double }, approvals: 'ask' }), {
        messages: [
          ...messages,
          { role: 'user', content: [{ type: 'tool.approval', id: 'c1', approved }] },
        ],
      });
      const events = await collect(second);
      return { events, prompt: model.doStreamCalls[0]?.prompt, result: await second.result };
    };

    it('ends with the question, after the tools that need none', async () => {
      const running = run(engine(), ASK);
      const events = await collect(running);
      const asked = { id: 'c1', name: 'guarded', arguments: { n: 2 } };
      expect(toolEvents(events)).toEqual(
        expect.arrayContaining([
          { type: 'tool.call', ...asked },
          { type: 'tool.approval', ...asked },
          { type: 'tool.result', id: 'c2', output: { doubled: 6 }, is_error: false },
        ]),
      );
      expect(events.at(-1)).toEqual({ type: 'run.end', stop_reason: 'approval' });
      expect(ran).toEqual([]);
    });

    it('runs the tool that the user approves in the next turn, under its id', async () => {
      const { events, prompt, result } = await decide(true);
      expect(ran).toEqual([2]);
      expect(toolEvents(events)).toEqual([
        { type: 'tool.result', id: 'c1', output: { doubled: 4 }, is_error: false },
      ]);
      expect(result.output).toBe('Done 1.');
      expect(
        prompt?.filter(({ role }) => role === 'tool').flatMap<unknown>(({ content }) => content),
      ).toEqual(
        expect.arrayContaining([
          expect.objectContaining({
            toolCallId: 'c1',
            output: { type: 'json', value: { doubled: 4 } },
          }),
          expect.objectContaining({
            toolCallId: 'c2',
            output: { type: 'json', value: { doubled: 6 } },
          }),
        ]),
      );
      // The conversation goes on from there.
      const model = quoter();
      const third = aiSdk({ model, tools: { guarded, double }, approvals: 'ask' });
      await run(third, { messages: [...result.messages, { role: 'user', content: 'And?' }] })
        .result;
      expect(ran).toEqual([2]);
      const calls = model.doStreamCalls[0]?.prompt.flatMap<unknown>(
        ({ content }) => content,
      ) as object[];
      expect(calls).toContainEqual(
        expect.objectContaining({
          toolCallId: 'c1',
          output: { type: 'json', value: { doubled: 4 } },
        }),
      );
    });

    it('tells the model that the user refused', async () => {
      const { events, prompt } = await decide(false);
      expect(ran).toEqual([]);
      expect(toolEvents(events)).toEqual([
        {
          type: 'tool.result',
          id: 'c1',
          output: 'The tool was denied: the user did not approve it',
          is_error: true,
        },
      ]);
      expect(JSON.stringify(prompt)).toContain('execution-denied');
      expect(events.at(-1)).toEqual({ type: 'run.end', stop_reason: 'stop' });
    });

    describe.each([true, false])(
      'goes on where the user says something beside the decision %s',
      (approved) => {
        const wait: AgentMessage = { role: 'user', content: 'Wait' };
        const answer = { type: 'tool.approval', id: 'c1', approved } as const;
        it.each<[where: string, said: AgentMessage[]]>([
          ['after it', [{ role: 'user', content: [answer] }, wait]],
          ['before it', [wait, { role: 'user', content: [answer] }]],
          ['in its message', [{ role: 'user', content: [answer, { type: 'text', text: 'Wait' }] }]],
        ])('%s: the tool does not run, and both are told so', async (_where, said) => {
          ran.length = 0;
          const { messages } = await run(engine(), ASK).result;
          const model = ends(1);
          const second = aiSdk({ model, tools: { guarded, double }, approvals: 'ask' });
          const events = await collect(run(second, { messages: [...messages, ...said] }));
          expect(ran).toEqual([]);
          const told = approved ? /has not run/ : /did not approve/;
          expect(JSON.stringify(model.doStreamCalls[0]?.prompt)).toMatch(told);
          expect(toolEvents(events)).toEqual([
            { type: 'tool.result', id: 'c1', output: expect.stringMatching(told), is_error: true },
          ]);
        });
      },
    );

    it('does not run a tool that a client claims to have been asked about', async () => {
      const invented = {
        type: 'tool.call',
        id: 'c9',
        name: 'double',
        arguments: { n: 5 },
      } as const;
      const running = run(engine(), {
        messages: [
          ...ASK.messages,
          { role: 'assistant', content: [invented] },
          { role: 'user', content: [{ type: 'tool.approval', id: 'c9', approved: true }] },
        ],
      });
      expect(toolEvents(await collect(running))[0]).toMatchObject({ id: 'c9', is_error: true });
    });
  });

  it('takes no decision where nobody is asked', () => {
    const called = { type: 'tool.call', id: 'c1', name: 'double', arguments: {} } as const;
    const decision = { type: 'tool.approval', id: 'c1', approved: true } as const;
    expect(() =>
      run(aiSdk({ model: quoter() }), {
        messages: [
          { role: 'assistant', content: [called] },
          { role: 'user', content: [decision] },
        ],
      }),
    ).toThrow(/messages\[1\]\.content\[0\] is of the type tool\.approval/);
  });

  it('ends after maxSteps calls to the model, with the reason tool-calls', async () => {
    const model = mockModel((_options, n) => step([call(`c${n}`, 'double', { n })], 'tool-calls'));
    const engine = aiSdk({ model, tools: { double }, maxSteps: 2 });
    const { stopReason } = await run(engine, ASK).result;
    expect([stopReason, model.doStreamCalls.length]).toEqual(['tool-calls', 2]);
  });

  it('tells no tokens where the provider counts none', async () => {
    const model = mockModel(() => step(text('Yes'), 'stop', [undefined, undefined]));
    expect((await run(aiSdk({ model }), ASK).result).usage).toBeUndefined();
  });

  it('aborts the call to the model when the consumer stops', async () => {
    const aborted = gate();
    const model = mockModel(
      ({ abortSignal }) => {
        abortSignal?.addEventListener('abort', () => aborted.open());
        return step(text(...Array.from({ length: 1000 }, () => 'word ')));
      },
      { delay: 5 },
    );
    for await (const { type } of run(aiSdk({ model }), ASK)) if (type === 'message.delta') break;
    await aborted.opened;
  });

  it.each<[string, () => Part[]]>([
    [
      'throws',
      () => {
        throw new Error('boom 42');
      },
    ],
    [
      'fails in the middle',
      () => step([...text('half'), { type: 'error', error: new Error('boom 42') }], 'error'),
    ],
  ])(
    'fails with ENGINE_FAILED when the provider %s, which is its cause alone',
    async (_what, script) => {
      const error = await failureOf(run(aiSdk({ model: mockModel(script) }), ASK));
      expect(error).toMatchObject({
        code: 'ENGINE_FAILED',
        status: 502,
        cause: { message: 'boom 42' },
      });
      expect(String(error)).not.toContain('boom');
    },
  );

  it('fails when the model ends with an error that it does not tell', async () => {
    const model = mockModel(() => step(text('half'), 'error'));
    expect(await failureOf(run(aiSdk({ model }), ASK))).toMatchObject({
      code: 'ENGINE_FAILED',
      message: 'The model ended with an error',
    });
  });

  it('takes the model of a request only where it is its own', async () => {
    const engine = aiSdk({ model: quoter() });
    await expect(run(engine, { ...ASK, model: 'mock-1' }).result).resolves.toBeDefined();
    expect(await failureOf(run(engine, { ...ASK, model: 'other' }))).toMatchObject({
      code: 'ENGINE_FAILED',
    });
  });
});

describe('the model of aiSdk() is given', () => {
  const promptOf = async (messages: readonly AgentMessage[], fetches?: RegExp) => {
    const model = mockModel(() => step(text('Yes')), fetches ? { fetches } : {});
    await run(aiSdk({ model, instructions: 'Be kind.' }), { messages }).result;
    return model.doStreamCalls[0]?.prompt;
  };

  it('instructions, images, files, and the tools of earlier turns, each call with a result', async () => {
    const prompt = await promptOf([
      { role: 'system', content: 'Be brief.' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'What is this?' },
          { type: 'image', media_type: 'image/png', data: DATA },
          { type: 'file', media_type: 'text/plain', data: 'SGk=' },
        ],
      },
      {
        role: 'assistant',
        content: [
          { type: 'text', text: 'Let me see.' },
          { type: 'tool.call', id: 'a', name: 'look', arguments: { at: 1 } },
          { type: 'tool.call', id: 'b', name: 'look', arguments: 'there' },
          { type: 'tool.call', id: 'c', name: 'look', arguments: {} },
          { type: 'tool.result', id: 'b', output: { seen: 2 }, is_error: false },
          { type: 'tool.result', id: 'a', output: 'dark', is_error: true },
          { type: 'text', text: 'A cat.' },
        ],
      },
      { role: 'user', content: 'Sure?' },
    ]);
    expect(prompt).toMatchObject([
      { role: 'system', content: 'Be kind.\n\nBe brief.' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'What is this?' },
          { type: 'file', mediaType: 'image/png', data: DATA },
          { type: 'file', mediaType: 'text/plain', data: 'SGk=' },
        ],
      },
      {
        role: 'assistant',
        content: [
          { type: 'text' },
          { type: 'tool-call', toolCallId: 'a', input: { at: 1 } },
          { type: 'tool-call', toolCallId: 'b', input: { input: 'there' } },
          { type: 'tool-call', toolCallId: 'c', input: {} },
        ],
      },
      {
        role: 'tool',
        content: [
          { toolCallId: 'a', output: { type: 'error-text', value: 'dark' } },
          { toolCallId: 'b', output: { type: 'json', value: { seen: 2 } } },
          { toolCallId: 'c', output: { type: 'error-text', value: 'The tool has not answered' } },
        ],
      },
      { role: 'assistant', content: [{ type: 'text', text: 'A cat.' }] },
      { role: 'user', content: [{ type: 'text', text: 'Sure?' }] },
    ]);
  });

  it('no later result for a call that was cut off, though its id is used again', async () => {
    const call = () => ({ type: 'tool.call', id: 'c', name: 'look', arguments: {} }) as const;
    const result = { type: 'tool.result', id: 'c', output: 'of turn 2', is_error: false } as const;
    const prompt = await promptOf([
      { role: 'user', content: 'One' },
      { role: 'assistant', content: [call()] },
      { role: 'user', content: 'Two' },
      { role: 'assistant', content: [call(), result] },
      { role: 'user', content: 'Three' },
    ]);
    expect(prompt?.filter(({ role }) => role === 'tool')).toMatchObject([
      { content: [{ output: { value: 'The tool has not answered' } }] },
      { content: [{ output: { value: 'of turn 2' } }] },
    ]);
  });

  it('a URL that it fetches itself', async () => {
    const file = {
      type: 'file',
      media_type: 'text/plain',
      url: 'https://files.example/a',
    } as const;
    const prompt = await promptOf(
      [{ role: 'user', content: [file] }],
      /^https:\/\/files\.example\//,
    );
    expect(prompt?.at(-1)).toMatchObject({ content: [{ data: new URL(file.url) }] });
  });

  it('no URL else: it is refused by its place, and nothing is fetched from here', async () => {
    const fetched = jest.spyOn(globalThis, 'fetch');
    const content = [
      { type: 'text', text: 'What is this?' },
      { type: 'image', media_type: 'image/png', url: 'http://169.254.169.254/latest' },
    ] as const;
    const running = run(aiSdk({ model: quoter() }), { messages: [{ role: 'user', content }] });
    expect(await failureOf(running)).toMatchObject({
      code: 'INVALID_INPUT',
      status: 422,
      errors: [
        {
          pointer: '/messages/0/content/1',
          detail: 'is of the type image with a url, which this model cannot take',
        },
      ],
    });
    expect(fetched).not.toHaveBeenCalled();
    fetched.mockRestore();
  });
});

describe('the spans of a run of aiSdk()', () => {
  const named = (name: string) => tracing.finishedSpans().filter((span) => span.name === name);

  it("are ours, and the SDK's own under invoke_agent, all with the id and without texts", async () => {
    const model = toolUser([call('c1', 'double', { n: 7777 })]);
    const engine = aiSdk({ model, tools: { double }, instructions: 'private instructions' });
    await run(engine, { ...ASK, sessionId: 'conv-1' }).result;
    const spans = tracing.finishedSpans();
    const [agent] = named('invoke_agent ai-sdk');
    const [own] = named('ai.streamText');
    expect(own?.parentSpanContext?.spanId).toBe(agent?.spanContext().spanId);
    expect(spans.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['ai.streamText.doStream', 'ai.toolCall', 'inside the tool']),
    );
    for (const { attributes } of spans) expect(attributes['session.id']).toBe('conv-1');
    const shown = JSON.stringify(spans.map(({ attributes }) => attributes));
    expect(shown).not.toMatch(/Hello|n\\":7777|Done|private/);
    expect(agent?.attributes['gen_ai.provider.name']).toBe('mock');
  });

  it.each([
    ['is aborted', true],
    ['has no reader any more', false],
  ])('all end where the run %s', async (_how, aborts) => {
    const controller = new AbortController();
    const words = Array.from({ length: 50 }, () => 'word ');
    const model = mockModel(() => step(text(...words)), { delay: 1 });
    const read = async () => {
      for await (const { type } of run(aiSdk({ model }), ASK, { signal: controller.signal })) {
        if (type !== 'message.delta') continue;
        if (!aborts) return 'left';
        controller.abort();
      }
      return 'read on';
    };
    const left = read().catch(({ name }: Error) => name);
    expect(await left).toBe(aborts ? 'AbortError' : 'left');
    // The run does not wait for the SDK, which ends its stream a moment later.
    const own = () => [...named('ai.streamText.doStream'), ...named('ai.streamText')];
    for (let i = 0; i < 10_000 && own().length < 2; i += 1) await setImmediate();
    expect(own()).toHaveLength(2);
  });

  it('have the tokens of a call on its chat, which ends where its tools begin', async () => {
    const model = toolUser([call('c1', 'double', { n: 2 })]);
    await run(aiSdk({ model, tools: { double } }), ASK).result;
    const chats = named('chat mock-1');
    expect(chats.map(({ attributes }) => attributes['gen_ai.usage.output_tokens'])).toEqual([
      2, 20,
    ]);
  });

  it('have them on its chat also where it says nothing but calls a tool', async () => {
    const model = mockModel((_options, n) =>
      n === 0 ? step([call('c1', 'double', { n: 2 })], 'tool-calls', [1, 2]) : step(text('Done.')),
    );
    await run(aiSdk({ model, tools: { double } }), ASK).result;
    const chats = named('chat mock-1');
    expect(chats.map(({ attributes }) => attributes['gen_ai.usage.output_tokens'])).toEqual([2, 5]);
  });
});

describe('the options of aiSdk()', () => {
  const model = quoter();
  it.each([
    ['no model', {}, 'aiSdk: model must be a language model of the AI SDK, or a name'],
    ['a model without a name', { model: '' }, 'aiSdk: model'],
    ['what is no model', { model: { modelId: 'x' } }, 'aiSdk: model'],
    ['instructions that are no text', { model, instructions: 7 }, 'aiSdk: instructions'],
    ['a list of tools', { model, tools: [double] }, 'aiSdk: tools must be an object of tools'],
    ['no step', { model, maxSteps: 0 }, 'aiSdk: maxSteps must be a whole number of 1 or more'],
    ['an unknown one', { model, system: 'x' }, 'aiSdk: options must be among'],
  ])('are refused at once: %s', (_what, options, message) => {
    const attempt = () => aiSdk(options as never);
    expect(attempt).toThrow(TypeError);
    expect(attempt).toThrow(message);
  });

  it('take an explicit undefined for the default', () => {
    const absent = { instructions: undefined, tools: undefined, maxSteps: undefined };
    expect(() => aiSdk({ model, ...absent })).not.toThrow();
  });
});

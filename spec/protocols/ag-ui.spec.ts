import { type AgentSubscriber, type BaseEvent, HttpAgent, type Message } from '@ag-ui/client';
import { EventSchemas } from '@ag-ui/core/schemas';
import express from 'express';
import { type AgentEvent, run } from '../../lib/engines/index.js';
import { agentEnvelope, bind, problemDetails } from '../../lib/index.js';
import { agUiEvents, agUiRequest } from '../../lib/protocols/ag-ui/index.js';
import { type SmallEngine, smallEngine } from '../engines/small-engine.js';
import { gate, keepErrors, serverSpan, serving, useTracing } from '../helpers.js';

const tracing = useTracing();

function appOf(engine: SmallEngine) {
  const errors: unknown[] = [];
  const seen: { messages?: unknown; runId?: unknown; state?: unknown }[] = [];
  const app = express();
  app.use(serverSpan);
  app.post(
    '/agent',
    agUiRequest(),
    agentEnvelope(),
    bind(['inputs'], ({ inputs }, { signal }) => {
      seen.push(inputs);
      return agUiEvents(run(engine, { messages: inputs.messages as never }, { signal }));
    }),
  );
  app.use(keepErrors(errors), problemDetails());
  return { app, errors, seen };
}

/** A client of this engine for as long as `use` takes; every event that comes is checked by the protocol's schema. */
async function agreeing(
  engine: SmallEngine,
  use: (
    client: ReturnType<typeof appOf> & {
      agent: HttpAgent;
      events: BaseEvent[];
      say: (content: unknown, parameters?: object) => Promise<unknown>;
      replies: Response[];
    },
  ) => Promise<void>,
) {
  const served = appOf(engine);
  await serving(served.app, async (url) => {
    const events: BaseEvent[] = [];
    const replies: Response[] = [];
    const fetching: typeof fetch = async (...args) => {
      const reply = await fetch(...args);
      replies.push(reply);
      return reply;
    };
    const agent = new HttpAgent({ url: `${url}agent`, threadId: 'thread-1', fetch: fetching });
    const watching: AgentSubscriber = {
      onEvent: ({ event }) => {
        events.push(EventSchemas.parse(event) as BaseEvent);
      },
    };
    agent.subscribe(watching);
    const say = (content: unknown, parameters = {}) => {
      agent.addMessage({ id: crypto.randomUUID(), role: 'user', content } as Message);
      return agent.runAgent(parameters);
    };
    await use({ ...served, agent, events, say, replies });
  });
}

const contents = ({ messages }: HttpAgent) => messages.map(({ content }) => content);

describe('an unmodified HttpAgent', () => {
  it('holds a conversation: its thread as the session on every span, its run by its own id', async () => {
    await agreeing(smallEngine(), async ({ agent, say, events, errors, seen, replies }) => {
      for (const text of ['one', 'two', 'three']) await say(text, { runId: `run-${text}` });
      expect(contents(agent)).toEqual([
        ...['one', 'You said: one', 'two', 'You said: two', 'three', 'You said: three'],
      ]);
      expect(seen[2]?.messages).toHaveLength(5);
      expect(events.filter(({ type }) => type.startsWith('RUN_'))).toMatchObject(
        ['one', 'two', 'three'].flatMap((text) => [
          { type: 'RUN_STARTED', threadId: 'thread-1', runId: `run-${text}` },
          {
            type: 'RUN_FINISHED',
            threadId: 'thread-1',
            runId: `run-${text}`,
            result: { stopReason: 'stop', usage: { inputTokens: 3, outputTokens: 5 } },
          },
        ]),
      );
      for (const { headers } of replies) expect(headers.get('x-session-id')).toBe('thread-1');
      expect(errors).toEqual([]);
    });
    const ids = tracing.finishedSpans().map(({ attributes }) => attributes['session.id']);
    expect(ids.length).toBeGreaterThanOrEqual(9);
    expect(new Set(ids)).toEqual(new Set(['thread-1']));
  });

  it('hears reasoning, tool calls and their results, and sends the tools back with the next turn', async () => {
    async function* everything(): AsyncIterable<AgentEvent> {
      yield { type: 'reasoning.delta', delta: 'Let me think.' };
      yield { type: 'message.delta', delta: '' };
      yield { type: 'message.delta', delta: 'Looking. ' };
      yield { type: 'tool.call', id: 'call-1', name: 'lookup', arguments: { key: 'a' } };
      yield { type: 'tool.result', id: 'call-1', output: { found: 1 }, is_error: false };
      yield { type: 'message.delta', delta: 'Found.' };
    }
    await agreeing(smallEngine(everything), async ({ agent, say, events, seen }) => {
      await say('one');
      expect(events.map(({ type }) => type)).toEqual([
        'RUN_STARTED',
        'REASONING_START',
        'REASONING_MESSAGE_START',
        'REASONING_MESSAGE_CONTENT',
        'REASONING_MESSAGE_END',
        'REASONING_END',
        'TEXT_MESSAGE_START',
        'TEXT_MESSAGE_CONTENT',
        'TEXT_MESSAGE_END',
        'TOOL_CALL_START',
        'TOOL_CALL_ARGS',
        'TOOL_CALL_END',
        'TOOL_CALL_RESULT',
        'TEXT_MESSAGE_START',
        'TEXT_MESSAGE_CONTENT',
        'TEXT_MESSAGE_END',
        'RUN_FINISHED',
      ]);
      expect(contents(agent)).toContain('Found.');
      await say('two');
      const sent = seen[1]?.messages as { role: string; content: unknown }[];
      expect(sent[0]).toEqual({ role: 'user', content: 'one' });
      expect(sent.slice(1, -2).flatMap(({ content }) => content)).toEqual(
        expect.arrayContaining([
          { type: 'tool.call', id: 'call-1', name: 'lookup', arguments: { key: 'a' } },
          { type: 'tool.result', id: 'call-1', output: '{"found":1}', is_error: false },
        ]),
      );
      expect(sent.at(-2)).toEqual({ role: 'assistant', content: 'Found.' });
    });
  });

  it('keeps calls apart whose engine uses an id again: in a step, in a run, in each turn', async () => {
    let turn = 0;
    async function* counting(): AsyncIterable<AgentEvent> {
      turn += 1;
      const lookup = { type: 'tool.call', id: 'call_0', name: 'lookup' } as const;
      const found = { type: 'tool.result', id: 'call_0', is_error: false } as const;
      yield { ...lookup, arguments: { turn, n: 1 } };
      yield { ...lookup, arguments: { turn, n: 2 } };
      yield { ...found, output: `${turn}.1` };
      yield { ...found, output: `${turn}.2` };
      yield { ...lookup, arguments: { turn, n: 3 } };
      yield { ...found, output: `${turn}.3` };
      yield { type: 'message.delta', delta: 'Done.' };
    }
    await agreeing(smallEngine(counting), async ({ say, seen }) => {
      for (const text of ['one', 'two', 'three']) await say(text);
      const sent = seen[2]?.messages as { content: unknown }[];
      const tools = sent
        .flatMap(({ content }) => content as { type: string; id: string }[])
        .filter(({ type }) => type?.startsWith('tool.'));
      expect(tools).toHaveLength(12);
      const calls = tools.filter(({ type }) => type === 'tool.call');
      expect(new Set(calls.map(({ id }) => id)).size).toBe(6);
      expect(calls[0]?.id).toBe('call_0');
      for (const turn of [1, 2]) {
        for (const n of [1, 2, 3]) {
          const call = calls.find((each) =>
            JSON.stringify(each).includes(`{"turn":${turn},"n":${n}}`),
          );
          expect(tools[tools.indexOf(call as never) + 1]).toEqual({
            ...{ type: 'tool.result', id: call?.id, output: `${turn}.${n}`, is_error: false },
          });
        }
      }
    });
  });

  it('sends images and files, its state and its run', async () => {
    await agreeing(smallEngine(), async ({ agent, say, seen }) => {
      agent.setState({ page: 1 });
      await say(
        [
          { type: 'text', text: 'See' },
          { type: 'image', source: { type: 'data', value: 'aaaa', mimeType: 'image/png' } },
          {
            type: 'document',
            source: { type: 'url', value: 'https://a.example/b', mimeType: 'text/plain' },
          },
        ],
        { runId: 'run-1' },
      );
      expect(seen[0]).toMatchObject({ runId: 'run-1', state: { page: 1 } });
      expect(seen[0]?.messages).toEqual([
        {
          role: 'user',
          content: [
            { type: 'text', text: 'See' },
            { type: 'image', media_type: 'image/png', data: 'aaaa' },
            { type: 'file', media_type: 'text/plain', url: 'https://a.example/b' },
          ],
        },
      ]);
    });
  });

  it.each<[when: string, script: () => AsyncIterable<AgentEvent>]>([
    [
      'before it says anything',
      // biome-ignore lint/correctness/useYield: it fails before it says anything
      async function* () {
        throw new Error('private');
      },
    ],
    [
      'in the middle of a text',
      async function* () {
        yield { type: 'message.delta', delta: 'begun' };
        throw new Error('private');
      },
    ],
  ])(
    'hears of the failure of an engine by RUN_ERROR, and so does next(error): %s',
    async (_when, script) => {
      await agreeing(smallEngine(script), async ({ say, events, errors, replies }) => {
        await say('one').catch(() => undefined);
        expect(events.at(-1)).toMatchObject({
          type: 'RUN_ERROR',
          message: 'The engine failed',
          code: 'ENGINE_FAILED',
        });
        expect(replies[0]?.headers.get('x-session-id')).toBe('thread-1');
        expect(errors).toEqual([expect.objectContaining({ code: 'ENGINE_FAILED' })]);
      });
    },
  );

  it('ends the run by abortRun()', async () => {
    const closed = gate();
    const engine = smallEngine(async function* () {
      yield { type: 'message.delta', delta: 'begun' };
      await new Promise(() => {});
    });
    const { open } = engine;
    engine.open = async (...args) => ({
      ...(await open(...args)),
      close: async () => closed.open(),
    });
    await agreeing(engine, async ({ agent, say, errors }) => {
      agent.subscribe({ onTextMessageContentEvent: () => agent.abortRun() });
      await say('one').catch(() => undefined);
      await closed.opened;
      expect(errors).toEqual([]);
    });
  });

  it.each<[what: string, content: unknown, told: RegExp]>([
    [
      'media without its type',
      [{ type: 'image', source: { type: 'url', value: 'https://private' } }],
      /\/content\/0 must have a mimeType/,
    ],
    [
      'media by the id of a file',
      [{ type: 'image', source: { type: 'file', value: 'private' } }],
      /\/content\/0 must be text, or media/,
    ],
  ])(
    'gets what the route does not take as the text of its error: %s',
    async (_what, content, told) => {
      await agreeing(smallEngine(), async ({ say, replies }) => {
        const failure = await say(content).catch((error: Error) => error);
        expect(String(failure)).toMatch(told);
        expect(String(failure)).toMatch(/HTTP 422/);
        expect(String(failure)).not.toContain('private');
        expect(replies[0]?.headers.get('x-session-id')).toBe('thread-1');
      });
    },
  );
});

describe('agUiRequest()', () => {
  const call = (id: string, args?: unknown) => ({
    ...{ id, type: 'function', function: { name: 'lookup', arguments: args } },
  });
  const asked = (...toolCalls: object[]) => ({ role: 'assistant', content: '', toolCalls });
  const answered = (toolCallId: string, content: string) => ({ role: 'tool', toolCallId, content });

  /** The parts of the answers, as the handler got them. */
  async function toolsOf(messages: object[], resume?: object[]) {
    const { app, seen } = appOf(smallEngine());
    const all = [{ role: 'user', content: 'one' }, ...messages];
    if (resume === undefined) all.push({ role: 'user', content: 'go on' });
    await serving(app, async (url) => {
      const headers = { 'content-type': 'application/json' };
      const body = JSON.stringify({ threadId: 'thread-1', messages: all, resume });
      expect((await fetch(`${url}agent`, { method: 'POST', headers, body })).status).toBe(200);
    });
    const sent = seen[0]?.messages as { role: string; content: { type: string }[] }[];
    return sent.filter(({ role }) => role === 'assistant').flatMap(({ content }) => content);
  }
  const CUT_OFF = 'The call was cut off';

  it.each<[what: string, messages: object[], outputs: unknown[]]>([
    [
      'in each turn',
      [asked(call('a')), answered('a', '1'), asked(call('a')), answered('a', '2')],
      ['1', '2'],
    ],
    [
      'after a call that was cut off',
      [asked(call('a')), asked(call('a')), answered('a', '2')],
      [CUT_OFF, '2'],
    ],
    [
      'before a call that was cut off',
      [asked(call('a')), answered('a', '1'), asked(call('a'))],
      ['1', CUT_OFF],
    ],
    [
      'twice in one message',
      [asked(call('a'), call('a')), answered('a', '1'), answered('a', '2')],
      ['1', '2'],
    ],
    ['with one result too many', [asked(call('a')), answered('a', '1'), answered('a', '2')], ['1']],
  ])(
    'gives each call its own result, where an id is there %s',
    async (_what, messages, outputs) => {
      const results = (await toolsOf(messages)).filter(({ type }) => type === 'tool.result');
      expect(results.map((result) => (result as { output?: unknown }).output)).toEqual(outputs);
    },
  );

  it('leaves the last call of an id to what the user has decided about it', async () => {
    const messages = [asked(call('a')), answered('a', '1'), asked(call('a'))];
    const payload = { approved: true };
    const tools = await toolsOf(messages, [{ interruptId: 'a', status: 'resolved', payload }]);
    expect(tools.map(({ type }) => type)).toEqual(['tool.call', 'tool.result', 'tool.call']);
  });

  it.each([
    ['{"n":1}', { n: 1 }],
    ['[1]', [1]],
    ['', {}],
    [undefined, {}],
    [null, {}],
    ['{"n":1}{"n":2}', '{"n":1}{"n":2}'],
    ['{"n":', '{"n":'],
    [{ n: 1 }, { n: 1 }],
  ])('loses no arguments: %j are %j', async (sent, args) => {
    const [tool] = await toolsOf([asked(call('a', sent)), answered('a', '1')]);
    expect(tool).toMatchObject({ type: 'tool.call', arguments: args });
  });
});

describe('agUiEvents()', () => {
  it('has an id of its own for a run that has none', async () => {
    const ask = { messages: [{ role: 'user' as const, content: 'one' }] };
    const text = await agUiEvents(run(smallEngine(), ask)).text();
    expect(text).toMatch(/"RUN_STARTED","threadId":"[0-9a-f-]{36}","runId":"[0-9a-f-]{36}"/);
    const named = await agUiEvents(run(smallEngine(), ask), { runId: 'run-1' }).text();
    expect(named).toContain('"runId":"run-1"');
  });

  it.each([{ runId: 7 }, { runId: '' }, { runId: null }, {}])(
    'has one of its own where that of an envelope is none: %j',
    async (inputs) => {
      const app = express();
      const ask = { messages: [{ role: 'user' as const, content: 'one' }] };
      app.use(agentEnvelope());
      app.post(
        '/',
        bind([], () => agUiEvents(run(smallEngine(), ask))),
      );
      await serving(app, async (url) => {
        const headers = { 'content-type': 'application/json' };
        const body = JSON.stringify({ inputs });
        const reply = await fetch(url, { method: 'POST', headers, body });
        expect(await reply.text()).toMatch(/"RUN_STARTED",.*"runId":"[0-9a-f-]{36}"/);
      });
    },
  );

  it.each([{ runId: '' }, { runId: 7 }, { id: 'run-1' }])(
    'refuses wrong options: %j',
    (options) => {
      const made = run(smallEngine(), { messages: [{ role: 'user', content: 'one' }] });
      expect(() => agUiEvents(made, options as never)).toThrow(TypeError);
    },
  );
});

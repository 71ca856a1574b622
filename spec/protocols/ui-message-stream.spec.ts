import { once } from 'node:events';
import http from 'node:http';
import { simulateReadableStream, streamText, type UIMessage } from 'ai';
import { MockLanguageModelV3 } from 'ai/test';
import express from 'express';
import { type AgentEvent, run } from '../../lib/engines/index.js';
import { agentEnvelope, bind, problemDetails, sessionId } from '../../lib/index.js';
import { uiMessageRequest, uiMessageStream } from '../../lib/protocols/ui-message-stream/index.js';
import { type SmallEngine, smallEngine } from '../engines/small-engine.js';
import { gate, keepErrors, serverSpan, serving, useTracing } from '../helpers.js';
import { chatOf, textOf } from './chat.js';

const tracing = useTracing();

/** The route of the documentation, and what came to it. */
function appOf(engine: SmallEngine, options = {}) {
  const errors: unknown[] = [];
  const seen: unknown[] = [];
  const app = express();
  app.use(serverSpan);
  app.post(
    '/api/chat',
    uiMessageRequest(options),
    agentEnvelope(),
    bind(['inputs', 'parameters'], ({ inputs, parameters }, { signal }) => {
      seen.push(inputs.messages, parameters);
      return uiMessageStream(run(engine, { messages: inputs.messages as never }, { signal }));
    }),
  );
  app.use(keepErrors(errors), problemDetails());
  return { app, errors, seen };
}

/** A chat with this engine, for as long as `use` takes. */
async function chatting(
  engine: SmallEngine,
  use: (
    chat: ReturnType<typeof chatOf> & { errors: unknown[]; seen: unknown[]; url: string },
  ) => Promise<void>,
  body: object = {},
) {
  const { app, errors, seen } = appOf(engine);
  await serving(app, async (url) => {
    await use({ ...chatOf(`${url}api/chat`, 'chat-1', body), errors, seen, url });
  });
}

async function* everything(): AsyncIterable<AgentEvent> {
  yield { type: 'reasoning.delta', delta: 'Let me ' };
  yield { type: 'reasoning.delta', delta: 'think.' };
  yield { type: 'message.delta', delta: 'Looking. ' };
  yield { type: 'usage', input_tokens: 1, output_tokens: 2 };
  yield { type: 'tool.call', id: 'call-1', name: 'lookup', arguments: { key: 'a' } };
  yield { type: 'tool.call', id: 'call-2', name: 'lookup', arguments: { key: 'b' } };
  yield { type: 'tool.result', id: 'call-1', output: { found: 1 }, is_error: false };
  yield { type: 'tool.result', id: 'call-2', output: 'no such key', is_error: true };
  yield { type: 'message.delta', delta: 'Found\u2028one.' };
  yield { type: 'usage', input_tokens: 10, output_tokens: 20 };
  yield { type: 'run.end', stop_reason: 'toolUse' };
}

describe('an unmodified useChat', () => {
  it('holds a conversation: text, its id as the session on every span, in the metadata and in the header', async () => {
    await chatting(smallEngine(), async ({ chat, replies, errors, seen }) => {
      for (const text of ['one', 'two', 'three']) await chat.sendMessage({ text });
      expect(chat.error).toBeUndefined();
      expect(chat.messages.map(textOf)).toEqual([
        ...['one', 'You said: one', 'two', 'You said: two', 'three', 'You said: three'],
      ]);
      expect(chat.messages[5]?.metadata).toEqual({
        sessionId: 'chat-1',
        finishReason: 'stop',
        usage: { inputTokens: 3, outputTokens: 5, totalTokens: 8 },
      });
      expect(seen[4]).toEqual([
        { role: 'user', content: 'one' },
        { role: 'assistant', content: 'You said: one' },
        { role: 'user', content: 'two' },
        { role: 'assistant', content: 'You said: two' },
        { role: 'user', content: 'three' },
      ]);
      for (const { headers } of replies) {
        expect(headers.get('x-session-id')).toBe('chat-1');
        expect(headers.get('x-vercel-ai-ui-message-stream')).toBe('v1');
        expect(headers.get('content-type')).toBe('text/event-stream');
      }
      expect(errors).toEqual([]);
    });
    const ids = tracing.finishedSpans().map(({ attributes }) => attributes['session.id']);
    expect(ids.length).toBeGreaterThanOrEqual(9);
    expect(new Set(ids)).toEqual(new Set(['chat-1']));
  });

  it('shows reasoning, tool calls with their results and errors, and sends them back with the next turn', async () => {
    await chatting(smallEngine(everything), async ({ chat, finishReasons, seen }) => {
      await chat.sendMessage({ text: 'one' });
      expect(chat.error).toBeUndefined();
      expect(chat.messages[1]?.parts).toMatchObject([
        { type: 'step-start' },
        { type: 'reasoning', text: 'Let me think.', state: 'done' },
        { type: 'text', text: 'Looking. ', state: 'done' },
        {
          type: 'dynamic-tool',
          toolName: 'lookup',
          toolCallId: 'call-1',
          state: 'output-available',
          input: { key: 'a' },
          output: { found: 1 },
        },
        { type: 'dynamic-tool', state: 'output-error', errorText: 'no such key' },
        { type: 'step-start' },
        { type: 'text', text: 'Found\u2028one.', state: 'done' },
      ]);
      expect(finishReasons).toEqual(['tool-calls']);
      expect(chat.messages[1]?.metadata).toMatchObject({
        finishReason: 'toolUse',
        usage: { inputTokens: 11, outputTokens: 22, totalTokens: 33 },
      });
      await chat.sendMessage({ text: 'two' });
      expect(chat.error).toBeUndefined();
      expect((seen[2] as unknown[])[1]).toEqual({
        role: 'assistant',
        content: [
          { type: 'text', text: 'Looking. ' },
          { type: 'tool.call', id: 'call-1', name: 'lookup', arguments: { key: 'a' } },
          { type: 'tool.result', id: 'call-1', output: { found: 1 }, is_error: false },
          { type: 'tool.call', id: 'call-2', name: 'lookup', arguments: { key: 'b' } },
          { type: 'tool.result', id: 'call-2', output: 'no such key', is_error: true },
          { type: 'text', text: 'Found\u2028one.' },
        ],
      });
    });
  });

  it.each([
    ['undefined', { arguments: undefined }, { output: undefined }],
    ['not there', {}, {}],
    ['null', { arguments: null }, { output: null }],
  ])('takes a call whose arguments and whose result are %s', async (_what, call, result) => {
    const engine = smallEngine(async function* () {
      yield { type: 'tool.call', id: 'a', name: 'now', ...call } as AgentEvent;
      yield { type: 'tool.result', id: 'a', is_error: false, ...result } as AgentEvent;
      yield { type: 'tool.call', id: 'b', name: 'now', ...call } as AgentEvent;
      yield { type: 'tool.result', id: 'b', is_error: true, ...result } as AgentEvent;
      yield { type: 'message.delta', delta: 'after' };
    });
    await chatting(engine, async ({ chat, seen }) => {
      await chat.sendMessage({ text: 'one' });
      expect([chat.error, textOf(chat.messages[1])]).toEqual([undefined, 'after']);
      await chat.sendMessage({ text: 'two' });
      expect(seen[2]).toMatchObject([
        {},
        { content: [{ arguments: {} }, { output: null }, { arguments: {} }, {}, {}] },
        {},
      ]);
    });
  });

  it('keeps calls apart whose engine uses an id again', async () => {
    async function* counting(): AsyncIterable<AgentEvent> {
      for (const n of [1, 2]) {
        yield { type: 'tool.call', id: 'call_0', name: 'lookup', arguments: { n } };
        yield { type: 'tool.result', id: 'call_0', output: n, is_error: false };
      }
      yield { type: 'message.delta', delta: 'Done.' };
    }
    await chatting(smallEngine(counting), async ({ chat, seen }) => {
      for (const text of ['one', 'two', 'three']) await chat.sendMessage({ text });
      expect(chat.error).toBeUndefined();
      const sent = seen[4] as { content: { type: string; id: string }[] }[];
      const tools = [sent[1], sent[3]].map((message) => message?.content);
      expect(tools).toMatchObject(
        Array(2).fill([
          ...[{ arguments: { n: 1 } }, { output: 1 }, { arguments: { n: 2 } }, { output: 2 }],
          { type: 'text' },
        ]),
      );
      const ids = tools.flat().flatMap((part) => (part?.type === 'tool.call' ? [part.id] : []));
      expect([ids[0], new Set(ids).size]).toEqual(['call_0', 4]);
    });
  });

  it('takes a second result for that of the call in this turn, though the id was used before', async () => {
    async function* twice(): AsyncIterable<AgentEvent> {
      yield { type: 'tool.call', id: 'c', name: 'lookup', arguments: {} };
      for (const output of ['preliminary', 'final']) {
        yield { type: 'tool.result', id: 'c', output, is_error: false };
      }
      yield { type: 'message.delta', delta: 'Done.' };
    }
    await chatting(smallEngine(twice), async ({ chat }) => {
      for (const text of ['one', 'two']) await chat.sendMessage({ text });
      expect([chat.status, chat.error]).toEqual(['ready', undefined]);
      for (const message of [chat.messages[1], chat.messages[3]]) {
        expect(message?.parts).toContainEqual(expect.objectContaining({ output: 'final' }));
        expect(textOf(message)).toBe('Done.');
      }
    });
  });

  it('regenerates an answer from the same question', async () => {
    await chatting(smallEngine(), async ({ chat, seen }) => {
      await chat.sendMessage({ text: 'one' });
      await chat.regenerate();
      expect(chat.messages.map(textOf)).toEqual(['one', 'You said: one']);
      expect(seen[2]).toEqual([{ role: 'user', content: 'one' }]);
    });
  });

  it('ends the run by stop(), which is no error', async () => {
    const closed = gate();
    const stalling = smallEngine(async function* () {
      yield { type: 'message.delta', delta: 'begun' };
      await new Promise(() => {});
    });
    const { open } = stalling;
    const engine: SmallEngine = Object.assign(stalling, {
      open: async (...args: Parameters<typeof open>) => {
        const session = await open(...args);
        return { ...session, close: async () => closed.open() };
      },
    });
    await chatting(engine, async ({ chat, errors }) => {
      const sending = chat.sendMessage({ text: 'one' });
      while (textOf(chat.messages[1]) !== 'begun') await new Promise(setImmediate);
      await chat.stop();
      await sending;
      await closed.opened;
      expect([chat.status, textOf(chat.messages[1]), errors]).toEqual(['ready', 'begun', []]);
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
    'shows the failure of an engine as its own error, which also goes to next(error): %s',
    async (_when, script) => {
      await chatting(smallEngine(script), async ({ chat, replies, errors }) => {
        await chat.sendMessage({ text: 'one' });
        expect([chat.status, chat.error?.message]).toEqual(['error', 'The engine failed']);
        expect(replies[0]?.headers.get('x-session-id')).toBe('chat-1');
        expect(errors).toEqual([expect.objectContaining({ code: 'ENGINE_FAILED' })]);
      });
      expect(tracing.spanNamed('server')?.status.code).toBe(2);
    },
  );

  it('sends images and files', async () => {
    await chatting(smallEngine(), async ({ chat, seen }) => {
      const files = [
        { type: 'file', mediaType: 'image/png', url: 'data:image/png;base64,iVBORw0KGgo=' },
        { type: 'file', mediaType: 'text/plain', url: 'data:text/plain,a%20b' },
        { type: 'file', mediaType: 'image/png', url: 'https://img.example/a.png' },
      ] as const;
      await chat.sendMessage({ text: 'See', files: [...files] });
      expect(chat.error).toBeUndefined();
      expect(seen[0]).toEqual([
        {
          role: 'user',
          content: [
            { type: 'image', media_type: 'image/png', data: 'iVBORw0KGgo=' },
            { type: 'file', media_type: 'text/plain', data: 'YSBi' },
            { type: 'image', media_type: 'image/png', url: 'https://img.example/a.png' },
            { type: 'text', text: 'See' },
          ],
        },
      ]);
    });
  });

  it('sends what else the app puts into its body', async () => {
    const parameters = { temperature: 0 };
    await chatting(
      smallEngine(),
      async ({ chat, seen }) => {
        await chat.sendMessage({ text: 'one' });
        expect(seen[1]).toEqual(parameters);
      },
      { parameters },
    );
  });

  const REFUSED: [what: string, parts: unknown[], status: number, told: RegExp][] = [
    [
      'a data part',
      [{ type: 'data-weather', data: 'private' }],
      422,
      /^\/messages\/0\/parts\/0 must be a part of text, reasoning, a file or a tool$/,
    ],
    ['a body over the limit', [{ type: 'text', text: 'x'.repeat(2 ** 20) }], 413, /limit/],
    [
      'an image without data',
      [{ type: 'file', mediaType: 'image/png', url: 'ftp://private' }],
      422,
      /url must be/,
    ],
  ];
  it.each(REFUSED)(
    'shows what the route does not take as text: %s',
    async (_what, parts, status, told) => {
      await chatting(smallEngine(), async ({ chat, replies }) => {
        await chat.sendMessage({ parts: parts as UIMessage['parts'] });
        expect(chat.status).toBe('error');
        expect(chat.error?.message).toMatch(told);
        expect(chat.error?.message).not.toContain('private');
        expect(replies[0]?.status).toBe(status);
        if (status === 422) expect(replies[0]?.headers.get('x-session-id')).toBe('chat-1');
      });
    },
  );
});

describe('uiMessageRequest()', () => {
  it('leaves an envelope as it is, and its errors are problem documents', async () => {
    const { app, seen } = appOf(smallEngine());
    await serving(app, async (url) => {
      const post = (body: object) =>
        fetch(`${url}api/chat`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
        });
      const messages = [{ role: 'user', content: 'one' }];
      const reply = await post({ session_id: 's-1', data: { inputs: { messages } } });
      expect(await reply.text()).toContain('"sessionId":"s-1"');
      expect(seen[0]).toEqual(messages);
      const wrong = await post({ session_id: 's-1', data: { inputs: { messages: 7 } } });
      expect(wrong.headers.get('content-type')).toBe('application/problem+json');
    });
  });

  it('of a call that was cut off says so', async () => {
    const { app, seen } = appOf(smallEngine());
    await serving(app, async (url) => {
      const part = {
        type: 'tool-lookup',
        toolCallId: 'call-1',
        state: 'input-available',
        input: 1,
      };
      const messages = [
        { id: '1', role: 'assistant', parts: [part] },
        { id: '2', role: 'assistant', parts: [] },
        { id: '3', role: 'user', parts: [{ type: 'text', text: 'go on' }] },
      ];
      const body = JSON.stringify({ id: 'c', messages, trigger: 'submit-message' });
      await fetch(`${url}api/chat`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      });
      expect(seen[0]).toMatchObject([
        {
          role: 'assistant',
          content: [
            { type: 'tool.call', id: 'call-1', name: 'lookup' },
            { type: 'tool.result', id: 'call-1', is_error: true },
          ],
        },
        { role: 'user', content: 'go on' },
      ]);
    });
  });

  it('takes a decision of the last step of the last answer for one, any other for history', async () => {
    const { app, seen } = appOf(smallEngine());
    await serving(app, async (url) => {
      const tool = (id: string, approved: boolean, state = 'approval-responded') => ({
        ...{ type: 'tool-remove', toolCallId: id, state, input: {} },
        approval: { id, approved },
      });
      const step = { type: 'step-start' };
      const begun = { type: 'text', text: 'Well.' };
      const messages = [
        { id: '1', role: 'assistant', parts: [step, tool('c1', true)] },
        { id: '2', role: 'user', parts: [{ type: 'text', text: 'Go on' }] },
        {
          id: '3',
          role: 'assistant',
          parts: [
            ...[step, tool('c2', false), tool('c3', false, 'output-denied'), step, begun],
            ...[tool('c4', true), tool('c5', false)],
          ],
        },
      ];
      await fetch(`${url}api/chat`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ id: 'c', messages }),
      });
      const call = (id: string) => ({ type: 'tool.call', id, name: 'remove', arguments: {} });
      const result = (id: string, output: string) => ({
        ...{ type: 'tool.result', id, output, is_error: true },
      });
      const NO = 'The user did not approve the call';
      expect(seen[0]).toEqual([
        { role: 'assistant', content: [call('c1'), result('c1', 'The call was cut off')] },
        { role: 'user', content: 'Go on' },
        {
          role: 'assistant',
          content: [
            ...[call('c2'), result('c2', NO), call('c3'), result('c3', NO), begun],
            ...[call('c4'), call('c5')],
          ],
        },
        {
          role: 'user',
          content: [
            { type: 'tool.approval', id: 'c4', approved: true },
            { type: 'tool.approval', id: 'c5', approved: false },
          ],
        },
      ]);
    });
  });

  it('says where it belongs when it is mounted after agentEnvelope(), which another one mends', async () => {
    const errors: unknown[] = [];
    const tenants: unknown[] = [];
    const answer = bind(['tenant', 'inputs'], ({ tenant, inputs }) => {
      tenants.push(tenant);
      return uiMessageStream(run(smallEngine(), { messages: inputs.messages as never }));
    });
    const app = express();
    app.use(agentEnvelope({ fields: [sessionId, { name: 'tenant' }] }));
    app.post('/late', uiMessageRequest(), answer);
    app.post('/mended', uiMessageRequest(), agentEnvelope(), answer);
    app.use(keepErrors(errors), problemDetails({ onError: () => {} }));
    await serving(app, async (url) => {
      const late = chatOf(`${url}late`, 'chat-1');
      await late.chat.sendMessage({ text: 'one' });
      expect(late.replies[0]?.status).toBe(500);
      expect(errors).toMatchObject([
        { code: 'MIDDLEWARE_MISSING', message: 'Mount uiMessageRequest() before agentEnvelope()' },
      ]);
      const { chat, replies } = chatOf(`${url}mended`, 'chat-2', { tenant: 'acme' });
      await chat.sendMessage({ text: 'one' });
      expect([chat.error, textOf(chat.messages[1])]).toEqual([undefined, 'You said: one']);
      expect(replies[0]?.headers.get('x-session-id')).toBe('chat-2');
      expect(tenants).toEqual(['acme']);
    });
  });

  it('leaves envelopes to the routes of its router', async () => {
    const app = express();
    app.use(uiMessageRequest(), agentEnvelope());
    app.post(
      '/invoke',
      bind(['inputs'], ({ inputs }) => inputs),
    );
    app.use(problemDetails());
    await serving(app, async (url) => {
      const init = { method: 'POST', headers: { 'content-type': 'application/json' } };
      const ask = (body: string) => fetch(`${url}invoke`, { ...init, body });
      const good = await ask('{"session_id":"conv-42","inputs":{"a":1}}');
      expect(await good.json()).toMatchObject({
        session_id: 'conv-42',
        data: { outputs: { a: 1 } },
      });
      expect(await (await ask('{"session_id":7}')).json()).toMatchObject({ code: 'INVALID_FIELD' });
    });
  });

  it.each([{ limit: 0 }, { limit: 'much' }, { size: 1 }, 7])(
    'refuses wrong options: %j',
    (options) => {
      expect(() => uiMessageRequest(options as never)).toThrow(TypeError);
    },
  );
});

describe('uiMessageStream()', () => {
  it('refuses what is no run', () => {
    expect(() => uiMessageStream({} as never)).toThrow(/uiMessageStream: run must be what run\(\)/);
  });

  it('does not start the run before somebody reads, and has the id of the engine in the header', async () => {
    const engine = smallEngine();
    let opened = 0;
    const { open } = engine;
    engine.open = (...args) => {
      opened += 1;
      return open(...args);
    };
    const ask = { messages: [{ role: 'user' as const, content: 'one' }] };
    uiMessageStream(run(engine, ask));
    await new Promise(setImmediate);
    expect(opened).toBe(0);
    const app = express();
    app.use(agentEnvelope());
    app.post(
      '/',
      bind([], () => uiMessageStream(run(engine, ask))),
    );
    await serving(app, async (url) => {
      const client = http.request(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
      });
      client.end('{"inputs":{}}');
      const [res] = (await once(client, 'response')) as [http.IncomingMessage];
      let text = '';
      for await (const chunk of res) text += chunk;
      expect(res.headers['x-session-id']).toMatch(/^[0-9a-f-]{36}$/);
      expect(text).toContain(`"sessionId":"${res.headers['x-session-id']}"`);
      expect(text.endsWith('data: [DONE]\n\n')).toBe(true);
    });
  });
});

describe("a handler that returns the AI SDK's own response", () => {
  it('serves useChat in one line', async () => {
    const usage = {
      inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
      outputTokens: { total: 1, text: 1, reasoning: 0 },
    };
    const model = new MockLanguageModelV3({
      doStream: async () => ({
        stream: simulateReadableStream({
          chunks: [
            { type: 'text-start', id: '1' },
            { type: 'text-delta', id: '1', delta: 'Hello' },
            { type: 'text-end', id: '1' },
            { type: 'finish', finishReason: { unified: 'stop', raw: undefined }, usage },
          ],
        }),
      }),
    });
    const app = express();
    app.post(
      '/api/chat',
      uiMessageRequest(),
      agentEnvelope(),
      bind([], () => streamText({ model, prompt: 'Hi' }).toUIMessageStreamResponse()),
    );
    await serving(app, async (url) => {
      const { chat, replies } = chatOf(`${url}api/chat`, 'chat-1');
      await chat.sendMessage({ text: 'Hi' });
      expect([chat.error, textOf(chat.messages[1])]).toEqual([undefined, 'Hello']);
      expect(replies[0]?.headers.get('x-session-id')).toBe('chat-1');
    });
  });
});

/** Messages with parts, through `run()`: checked, refused where the engine cannot take them, in the result and on the spans. */
import express from 'express';
import { z } from 'zod';
import { conformance } from '../../lib/engines/conformance/index.js';
import {
  type AgentEngine,
  type AgentEvent,
  type AgentMessage,
  run,
} from '../../lib/engines/index.js';
import { bind } from '../../lib/index.js';
import { envelopeApp, post } from '../helpers.js';
import { smallEngine, useTool } from './small-engine.js';
import { startTracing } from './tracing.js';

const PIXEL = 'iVBORw0KGgo=';
const TEXT = { type: 'text', text: 'What is this?' } as const;
const IMAGE = { type: 'image', media_type: 'image/png', data: PIXEL } as const;
const FILE = { type: 'file', media_type: 'application/pdf', url: 'https://h/a.pdf' } as const;
const CALL = { type: 'tool.call', id: 'c1', name: 'lookup', arguments: { key: 'k' } } as const;
const RESULT = { type: 'tool.result', id: 'c1', output: { n: 1 }, is_error: false } as const;
const CONVERSATION: readonly AgentMessage[] = [
  { role: 'system', content: [{ type: 'text', text: 'Be brief.' }] },
  { role: 'user', content: [TEXT, IMAGE, FILE] },
  { role: 'assistant', content: [{ type: 'text', text: 'Let me see.' }, CALL, RESULT] },
  { role: 'user', content: [{ type: 'text', text: 'Well?' }] },
];
const ASSISTANT = { role: 'assistant', content: 'Hello' } as const;
const ALL = ['image', 'file', 'tool.call', 'tool.result'] as const;

const accepting = (accepts: AgentEngine['accepts'], script?: () => AsyncIterable<AgentEvent>) => ({
  ...smallEngine(script),
  accepts,
});
const user = (...content: unknown[]) => [{ role: 'user', content }];
const assistant = (...content: unknown[]) => [
  { role: 'assistant', content },
  { role: 'user', content: 'Hello' },
];

let tracing: ReturnType<typeof startTracing>;
beforeAll(() => {
  tracing = startTracing();
});
beforeEach(() => tracing.reset());
afterAll(() => tracing.stop());

describe('a message with parts', () => {
  it.each<[string, unknown[], string, string]>([
    ['no part', user(), '/0/content', 'must be a string, or a list of at least one part'],
    ['text among parts', user('Hello'), '/0/content/0', 'must be an object'],
    ['an unknown type', user(TEXT, { type: 'video' }), '/0/content/1/type', 'must be one of'],
    ['a name of a prototype', user({ type: 'constructor' }), '/0/content/0/type', 'must be one of'],
    ['a text that is none', user({ type: 'text' }), '/0/content/0/text', 'must be a string'],
    [
      'an image without a media type',
      user({ type: 'image', data: PIXEL }),
      '/0/content/0/media_type',
      'must be a media type, type/subtype',
    ],
    [
      'an image that is none',
      user({ ...IMAGE, media_type: 'text/plain' }),
      '/0/content/0/media_type',
      'must be that of an image, image/…',
    ],
    [
      'an image of no bytes',
      user({ type: 'image', media_type: 'image/png' }),
      '/0/content/0',
      'must have either data or url',
    ],
    [
      'both bytes and an address',
      user({ ...FILE, data: PIXEL }),
      '/0/content/0',
      'must have either data or url',
    ],
    [
      'bytes that are not base64',
      user({ ...IMAGE, data: 'data:image/png;base64,AAAA' }),
      '/0/content/0/data',
      'must be base64, not empty',
    ],
    ['no bytes', user({ ...IMAGE, data: '' }), '/0/content/0/data', 'must be base64, not empty'],
    [
      'an address of this machine',
      user({ ...FILE, url: 'file:///etc/passwd' }),
      '/0/content/0/url',
      'must be an http: or https: URL',
    ],
    [
      'a call of the user',
      user(CALL),
      '/0/content/0/type',
      'must not be tool.call in a message of the user: only of the assistant',
    ],
    [
      'an image of the assistant',
      assistant(IMAGE),
      '/0/content/0/type',
      'must not be image in a message of the assistant: only of the user',
    ],
    [
      'a call without a name',
      assistant({ ...CALL, name: undefined }),
      '/0/content/0/name',
      'must be a string',
    ],
    [
      'a result that leaves open whether it failed',
      assistant(CALL, { ...RESULT, is_error: undefined }),
      '/0/content/1/is_error',
      'must be true or false',
    ],
    [
      'a result without its call',
      assistant({ ...RESULT, id: 'c2' }),
      '/0/content/0/id',
      'must be that of a tool.call before it',
    ],
  ])('is refused with %s', (_what, messages, pointer, rule) => {
    const attempt = () => run(accepting(ALL), { messages } as never);
    expect(attempt).toThrow(
      expect.objectContaining({
        code: 'INVALID_INPUT',
        status: 422,
        errors: [{ pointer: `/messages${pointer}`, detail: expect.stringContaining(rule) }],
      }),
    );
  });

  it('goes to the engine as it is', async () => {
    const seen: unknown[] = [];
    const engine = accepting(ALL);
    const open = engine.open.bind(engine);
    engine.open = (request, signal) => {
      seen.push(request.messages);
      return open(request, signal);
    };
    const { messages } = await run(engine, { messages: CONVERSATION }).result;
    expect(seen).toEqual([CONVERSATION]);
    expect(messages.slice(0, -1)).toEqual(CONVERSATION);
  });

  it('goes to an engine that does not say what it takes', async () => {
    await expect(run(smallEngine(), { messages: CONVERSATION }).result).resolves.toMatchObject({
      output: 'You said: Well?',
    });
  });

  it.each([
    [[], '/messages/1/content/1', 'is of the type image, which the engine "small" cannot take'],
    [['image'], '/messages/1/content/2', 'is of the type file with a url, which'],
    [['image', 'file'], '/messages/2/content/1', 'is of the type tool.call, which'],
    [['image', 'file', 'tool.call'], '/messages/2/content/2', 'is of the type tool.result, which'],
  ] as const)(
    'is refused by an engine that takes only %j besides text',
    (accepts, pointer, detail) => {
      const engine = { ...accepting(accepts), open: () => Promise.reject(new Error('was opened')) };
      expect(() => run(engine, { messages: CONVERSATION })).toThrow(
        expect.objectContaining({
          code: 'INVALID_INPUT',
          status: 422,
          errors: [{ pointer, detail: expect.stringContaining(detail) }],
        }),
      );
    },
  );

  it.each([
    ['canonical', (inputs: object) => ({ data: { inputs } }), '/data/inputs/messages'],
    ['flat', (inputs: object) => ({ inputs }), '/inputs/messages'],
  ])('is refused by its place in the body, in the %s spelling', async (_what, body, base) => {
    const route = bind(['inputs'], ({ inputs }) =>
      run(accepting([]), { messages: inputs.messages as AgentMessage[], sessionId: 'other' }),
    );
    const { app } = envelopeApp(express(), route);
    const reply = await post(app, body({ messages: [{ role: 'user', content: [TEXT, IMAGE] }] }));
    expect([reply.status, reply.body.code]).toEqual([422, 'INVALID_INPUT']);
    expect(reply.body.errors).toMatchObject([{ pointer: `${base}/0/content/1` }]);
    expect(reply.text).not.toContain(PIXEL);
  });

  it.each([
    ['what a schema has made of them', (given: object[]) => given, '/data/inputs/messages'],
    ['those and one of the app', (given: object[]) => [ASSISTANT, ...given], '/messages'],
    ['none of them', () => [], '/messages'],
  ])(
    'is refused by its place in the body where a handler passes on %s',
    async (_what, pass, at) => {
      const message = z.object({ role: z.enum(['user', 'assistant']), content: z.string() });
      const inputs = z.object({ others: z.array(message), messages: z.array(message) });
      const { app } = envelopeApp(
        express(),
        bind({ inputs }, ({ inputs }) =>
          run(smallEngine(), { messages: pass(inputs.messages) as AgentMessage[] }),
        ),
      );
      const sent = [{ id: 'm1', ...ASSISTANT }];
      const reply = await post(app, { data: { inputs: { others: [], messages: sent } } });
      expect([reply.status, reply.body.errors]).toMatchObject([422, [{ pointer: at }]]);
    },
  );
});

describe('the answer in the result', () => {
  const toolsOf = async (accepts: AgentEngine['accepts']) => {
    const engine = accepting(accepts, useTool);
    const { messages } = await run(engine, { messages: [{ role: 'user', content: 'Hello' }] })
      .result;
    return messages.at(-1);
  };

  it('has the calls of the run where the engine takes them back', async () => {
    expect(await toolsOf(ALL)).toEqual({
      role: 'assistant',
      content: [
        { type: 'text', text: 'Let me see. ' },
        { type: 'tool.call', id: 'call-1', name: 'lookup', arguments: { key: 'private' } },
        { type: 'tool.result', id: 'call-1', output: 'private result', is_error: false },
        { type: 'text', text: 'Found.' },
      ],
    });
  });

  it.each([[[]], [['tool.call']], [undefined]] as const)(
    'is text where the engine takes %j',
    async (accepts) => {
      expect(await toolsOf(accepts)).toEqual({ role: 'assistant', content: 'Let me see. Found.' });
    },
  );

  it('can be sent back: without a result whose call is missing', async () => {
    const engine = accepting(ALL, async function* () {
      yield { type: 'tool.result', id: 'c9', output: 1, is_error: false };
      yield { type: 'message.delta', delta: 'done' };
    });
    const first = await run(engine, { messages: [{ role: 'user', content: 'Hello' }] }).result;
    const messages = [...first.messages, { role: 'user', content: 'And?' } as const];
    await expect(run(engine, { messages }).result).resolves.toMatchObject({ output: 'done' });
  });
});

describe('reasoning', () => {
  const thinking = () =>
    smallEngine(async function* () {
      yield { type: 'reasoning.delta', delta: 'private thought' };
      yield { type: 'message.delta', delta: 'Answer' };
      yield { type: 'usage', input_tokens: 1, output_tokens: 2 };
    });

  it('is told by events of its own, and is no part of the answer', async () => {
    const running = run(thinking(), { messages: [{ role: 'user', content: 'Hello' }] });
    const types: string[] = [];
    for await (const { type } of running) types.push(type);
    expect(types).toEqual(['run.start', 'reasoning.delta', 'message.delta', 'usage', 'run.end']);
    const { output, messages } = await running.result;
    expect(output).toBe('Answer');
    expect(messages.at(-1)).toEqual({ role: 'assistant', content: 'Answer' });
  });

  it('is part of the call to the model on spans, its text only where content is captured', async () => {
    const ask = { messages: [{ role: 'user', content: 'Hello' }] } as const;
    await run(thinking(), ask).result;
    expect(tracing.finishedSpans().map(({ name }) => name)).toEqual([
      'chat quoter-1',
      'invoke_agent small',
    ]);
    expect(JSON.stringify(tracing.finishedSpans().map(({ attributes }) => attributes))).not.toMatch(
      /private/,
    );
    tracing.reset();
    await run(thinking(), ask, { captureContent: true }).result;
    expect(captured('gen_ai.output.messages')).toEqual([
      {
        role: 'assistant',
        parts: [
          { type: 'reasoning', content: 'private thought' },
          { type: 'text', content: 'Answer' },
        ],
        finish_reason: 'stop',
      },
    ]);
  });
});

describe('messages on spans', () => {
  it('are those of the GenAI conventions, without the bytes of images and files', async () => {
    await run(accepting(ALL), { messages: CONVERSATION }, { captureContent: true }).result;
    expect(captured('gen_ai.input.messages')).toEqual([
      { role: 'system', parts: [{ type: 'text', content: 'Be brief.' }] },
      {
        role: 'user',
        parts: [
          { type: 'text', content: 'What is this?' },
          { type: 'blob', modality: 'image', mime_type: 'image/png', content: '' },
          {
            type: 'uri',
            modality: 'document',
            mime_type: 'application/pdf',
            uri: 'https://h/a.pdf',
          },
        ],
      },
      {
        role: 'assistant',
        parts: [
          { type: 'text', content: 'Let me see.' },
          { type: 'tool_call', id: 'c1', name: 'lookup', arguments: { key: 'k' } },
        ],
      },
      { role: 'tool', parts: [{ type: 'tool_call_response', id: 'c1', response: { n: 1 } }] },
      { role: 'user', parts: [{ type: 'text', content: 'Well?' }] },
    ]);
  });
});

describe('an engine that says what it takes conforms', () => {
  const cases = conformance({
    engine: () => accepting(ALL),
    failingEngine: () =>
      accepting(ALL, async function* () {
        yield { type: 'message.delta', delta: 'a' };
        throw new Error('private reason');
      }),
    finishedSpans: () => tracing.finishedSpans(),
    quotes: true,
  });
  it.each(cases)('$name', ({ test }) => test());
});

function captured(attribute: string): unknown {
  const span = tracing.finishedSpans().find(({ name }) => name === 'invoke_agent small');
  return JSON.parse(String(span?.attributes[attribute]));
}

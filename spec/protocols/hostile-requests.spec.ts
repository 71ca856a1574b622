/** Whatever a client puts in the place of whatever is in the bodies of its protocol, it is the client's fault: a 4xx as text. */
import express, { type RequestHandler } from 'express';
import { defineEngine, run } from '../../lib/engines/index.js';
import { agentEnvelope, bind, problemDetails } from '../../lib/index.js';
import { agUiEvents, agUiRequest } from '../../lib/protocols/ag-ui/index.js';
import { uiMessageRequest, uiMessageStream } from '../../lib/protocols/ui-message-stream/index.js';
import { JSON_TYPE, keepErrors, serving } from '../helpers.js';

const engine = defineEngine('small', async function* () {
  yield 'Hello';
});

type Post = (path: string, body: unknown) => Promise<{ status: number; text: string }>;

/** Both protocols, each with `errors` that came to `next()`. */
async function clients(use: (post: Post, errors: unknown[]) => Promise<void>) {
  const errors: unknown[] = [];
  const app = express();
  app.post(
    '/ui',
    uiMessageRequest(),
    agentEnvelope(),
    bind(['inputs'], ({ inputs }) =>
      uiMessageStream(run(engine, { messages: inputs.messages as never })),
    ),
  );
  app.post(
    '/ag-ui',
    agUiRequest(),
    agentEnvelope(),
    bind(['inputs'], ({ inputs }) =>
      agUiEvents(run(engine, { messages: inputs.messages as never })),
    ),
  );
  app.use(keepErrors(errors), problemDetails({ onError: () => {} }));
  await serving(app, async (url) => {
    const headers = { 'content-type': JSON_TYPE };
    const post: Post = async (path, body) => {
      const init = { method: 'POST', headers, body: JSON.stringify(body) };
      const reply = await fetch(`${url}${path}`, init);
      return { status: reply.status, text: await reply.text() };
    };
    await use(post, errors);
  });
}

const user = (content: object) => ({ id: 'm', role: 'user', ...content });

const withUrl: [path: string, bodyOf: (url: string) => object, pointer: string][] = [
  [
    'ui',
    (url) => ({
      id: 'c',
      messages: [user({ parts: [{ type: 'file', mediaType: 'image/png', url }] })],
    }),
    '/messages/0/parts/0',
  ],
  [
    'ag-ui',
    (url) => ({
      threadId: 'c',
      messages: [user({ content: [{ type: 'binary', mimeType: 'image/png', url }] })],
    }),
    '/messages/0/content/0',
  ],
];

describe.each(withUrl)('a data: URL, on the route %s', (path, bodyOf, pointer) => {
  it.each([
    ['has parameters that end nowhere', `data:a${';==='.repeat(28)}`],
    ['has one parameter of 200,000 signs', `data:a;${'='.repeat(200_000)}`],
    ['has no comma', 'data:image/png;base64'],
    ['is cut in its percent-encoding', 'data:text/plain,100%'],
    ['has a percent-encoding that is none', 'data:image/png;base64,%ZZ'],
    ['is no UTF-8', 'data:text/plain,%E0%A4%A'],
  ])('that %s is a 422 by its place', async (_what, url) => {
    await clients(async (post, errors) => {
      const { status, text } = await post(path, bodyOf(url));
      expect([status, text]).toEqual([
        422,
        `${pointer} must have a data: URL with base64 or percent-encoded UTF-8 after a comma`,
      ]);
      expect(errors).toMatchObject([{ code: 'INVALID_INPUT' }]);
    });
  });

  it.each([
    'data:image/png,a',
    'data:;base64,YQ==',
    'DATA:image/png;charset=utf-8;BASE64,YQ%3D%3D',
    'data:image/png;=;;==,%61',
    'data:image/png,a,b',
  ])('such as %s is taken', async (url) => {
    await clients(async (post) => {
      expect(await post(path, bodyOf(url))).toMatchObject({ status: 200 });
    });
  });
});

describe('an id of AG-UI that is none', () => {
  it.each([
    ['/runId', { runId: '' }],
    ['/runId', { runId: 5 }],
    ['/runId', { runId: { toString: 5 } }],
    ['/messages/0/toolCallId', { messages: [{ role: 'tool', content: '1' }] }],
    [
      '/messages/0/toolCallId',
      { messages: [{ role: 'tool', toolCallId: { toString: 5 }, content: '1' }] },
    ],
  ])('is a 422 by its place %s: %j', async (pointer, spoilt) => {
    await clients(async (post) => {
      const body = { threadId: 'c', messages: [user({ content: 'Hi' })], ...spoilt };
      const { status, text } = await post('ag-ui', body);
      expect([status, text]).toEqual([422, expect.stringContaining(`${pointer} must be a string`)]);
    });
  });
});

/** A body of each client with everything in it that it can say. */
const TOOL = { toolCallId: 'call-1', input: { a: 1 } };
const BODIES: [path: string, body: object][] = [
  [
    'ui',
    {
      id: 'c',
      trigger: 'submit-message',
      messages: [
        { id: '1', role: 'system', parts: [{ type: 'text', text: 'Be brief.' }] },
        user({
          parts: [{ type: 'file', mediaType: 'image/png', url: 'data:image/png;base64,YQ==' }],
        }),
        {
          id: '2',
          role: 'assistant',
          parts: [
            { type: 'step-start' },
            { type: 'reasoning', text: 'Hm' },
            { type: 'tool-a', ...TOOL, state: 'output-available', output: 1 },
            {
              type: 'dynamic-tool',
              toolName: 'b',
              ...TOOL,
              state: 'output-error',
              errorText: 'no',
            },
            {
              ...{ type: 'tool-c', toolCallId: 'call-2', state: 'approval-responded', input: {} },
              approval: { id: 'call-2', approved: true },
            },
          ],
        },
      ],
    },
  ],
  [
    'ag-ui',
    {
      ...{ threadId: 'c', runId: 'r', parentRunId: 'q', state: {}, tools: [], context: [] },
      forwardedProps: {},
      messages: [
        { id: '1', role: 'developer', content: 'Be brief.' },
        user({
          content: [
            { type: 'text', text: 'See' },
            { type: 'image', source: { type: 'data', value: 'YQ==', mimeType: 'image/png' } },
            { type: 'binary', mimeType: 'image/png', url: 'data:image/png,a' },
          ],
        }),
        {
          id: '2',
          role: 'assistant',
          content: 'Well.',
          toolCalls: [
            { id: 'call-1', type: 'function', function: { name: 'a', arguments: '{}' } },
            { id: 'call-2', type: 'function', function: { name: 'b', arguments: '{}' } },
          ],
        },
        { id: '3', role: 'tool', toolCallId: 'call-1', content: '1', error: 'no' },
        { id: '4', role: 'reasoning', content: 'Hm' },
      ],
      resume: [{ interruptId: 'call-2', status: 'resolved', payload: { approved: true } }],
    },
  ],
];

const JUNK: readonly unknown[] = [undefined, null, 5, '', 'data:,%', [], [null], { toString: 5 }];

/** The body with each member, of each depth, in turn replaced by each junk. */
function* spoilt(value: unknown, put: (given: unknown) => unknown): Generator<[unknown, unknown]> {
  for (const junk of JUNK) yield [put(junk), junk];
  if (typeof value !== 'object' || value === null) return;
  for (const [name, member] of Object.entries(value)) {
    yield* spoilt(member, (given) => {
      const copy = structuredClone(value) as Record<string, unknown>;
      copy[name] = given;
      return put(copy);
    });
  }
}

describe.each(BODIES)('a body for the route %s', (path, body) => {
  it('is answered', async () => {
    await clients(async (post) => {
      expect(await post(path, body)).toMatchObject({ status: 200 });
    });
  });

  it('of which any member is junk is answered, or refused as text', async () => {
    await clients(async (post, errors) => {
      const wrong: unknown[] = [];
      for (const [sent] of spoilt(body, (given) => given)) {
        if (sent === undefined) continue;
        const { status, text } = await post(path, sent);
        const isFault = status >= 500 || /"(RUN_ERROR|error)"|INTERNAL_ERROR/.test(text);
        if (isFault) wrong.push({ sent: JSON.stringify(sent), status, text, error: errors.at(-1) });
      }
      expect(wrong).toEqual([]);
    });
  });
});

describe('the work for a body grows with its length, and not with its square', () => {
  const N = 2_000;
  const many = (item: object) => Array.from({ length: N }, () => item);
  const approval = { type: 'tool-a', toolCallId: 'a', state: 'approval-responded', input: {} };

  it.each<[what: string, middleware: RequestHandler, body: { messages: object[] }]>([
    ['messages of the user', uiMessageRequest(), { messages: many({ role: 'user', parts: [] }) }],
    ['approvals', uiMessageRequest(), { messages: [{ role: 'assistant', parts: many(approval) }] }],
    [
      'calls and results',
      agUiRequest(),
      {
        threadId: 'c',
        messages: [
          {
            ...{ role: 'assistant', content: '' },
            toolCalls: many({ id: 'a', function: { name: 'b', arguments: '{}' } }),
          },
          ...many({ role: 'tool', toolCallId: 'a', content: '1' }),
        ],
      } as { messages: object[] },
    ],
  ])('%s', async (_what, middleware, body) => {
    let reads = 0;
    const counting = <T extends object>(target: T): T =>
      new Proxy(target, {
        get(from, name, receiver) {
          reads += 1;
          const value: unknown = Reflect.get(from, name, receiver);
          return typeof value === 'object' && value !== null ? counting(value) : value;
        },
      });
    const app = express();
    app.use((req, _res, next) => {
      req.body = counting(structuredClone(body));
      next();
    });
    app.post('/', middleware, (_req, res) => void res.json({ done: true }));
    await serving(app, async (url) => {
      expect((await fetch(url, { method: 'POST' })).status).toBe(200);
      expect(reads).toBeGreaterThan(N);
      expect(reads).toBeLessThan(100 * N);
    });
  });
});

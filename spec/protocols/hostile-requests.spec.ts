/** Whatever a client puts in the place of whatever is in the bodies of its protocol, it is the client's fault: a 4xx as text. */
import express from 'express';
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

import { once } from 'node:events';
import http2 from 'node:http2';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RequestHandler } from 'express';
import express from 'express';
import { run } from '../../lib/engines/index.js';
import { agentEnvelope, bind } from '../../lib/index.js';
import { smallEngine } from '../engines/small-engine.js';
import { envelopeApp, gate, useTracing } from '../helpers.js';
import { postHttp2, servingHttp2 } from './http2-bridge.js';

useTracing();

async function over(route: RequestHandler, body: object, accept = '*/*') {
  const { app, errors } = envelopeApp(express(), route);
  return servingHttp2(app, async (session) => {
    const stream = postHttp2(session, body, accept);
    const [headers] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
    let text = '';
    for await (const chunk of stream) text += chunk;
    return { headers, text, errors };
  });
}

/** The two ways to go: the request alone, or the connection with it. */
const WAYS: [how: string, leave: (stream: http2.ClientHttp2Stream) => void][] = [
  ['cancels its stream', (stream) => stream.close(http2.constants.NGHTTP2_CANCEL)],
  ['drops its connection', (stream) => stream.session?.destroy()],
];

describe('over HTTP/2', () => {
  it('a value, a stream and a problem carry the id', async () => {
    const body = { session_id: 'conv-1' };
    const value = await over(
      bind([], () => 'answer'),
      body,
    );
    expect(value.headers).toMatchObject({ ':status': 200, 'x-session-id': 'conv-1' });
    expect(JSON.parse(value.text)).toMatchObject({ data: { outputs: 'answer' } });
    const stream = await over(
      bind([], async function* () {
        yield 1;
        await sleep(1);
        yield 2;
      }),
      body,
    );
    expect(stream.headers).toMatchObject({ ':status': 200, 'x-session-id': 'conv-1' });
    expect(stream.text).toBe('1\n2\n');
    const problem = await over(
      bind([], () => Promise.reject(new Error('private'))),
      body,
    );
    expect(problem.headers).toMatchObject({
      ':status': 500,
      'x-session-id': 'conv-1',
      'content-type': 'application/problem+json',
    });
    expect(JSON.parse(problem.text)).toMatchObject({ code: 'INTERNAL_ERROR' });
    expect(value.errors).toEqual([]);
  });

  it('an endless stream asked for by HEAD is returned, and the reply ends', async () => {
    const calls: string[] = [];
    const iterator = {
      next: async () => ({ done: false, value: calls.push('next') }),
      return: async () => ({ done: true, value: calls.push('return') }),
    };
    const app = express();
    const route = bind([], () => ({ [Symbol.asyncIterator]: () => iterator }));
    app.use(agentEnvelope()).all('/', route);
    await servingHttp2(app, async (session) => {
      const stream = postHttp2(session, { session_id: 'conv-1' }, '*/*', 'HEAD');
      const [headers] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
      expect(headers).toMatchObject({ ':status': 200, 'x-session-id': 'conv-1' });
      stream.resume();
      await once(stream, 'close');
    });
    expect(calls).toEqual(['return']);
  });

  it('a stream that fails later says so in band', async () => {
    const { text, errors } = await over(
      bind([], async function* () {
        yield 1;
        await sleep(1);
        throw new Error('private');
      }),
      {},
      'text/event-stream',
    );
    expect(text).toMatch(/^data: 1\n\nevent: error\ndata: .*INTERNAL_ERROR.*\n\n$/);
    expect(errors).toEqual([new Error('private')]);
  });
});

describe.each(WAYS)('a client of HTTP/2 that %s', (_how, leave) => {
  it.each(['text/event-stream', 'application/x-ndjson'])(
    'has the source of its stream returned: %s',
    async (accept) => {
      const returned = gate();
      const { app, errors } = envelopeApp(
        express(),
        bind([], async function* () {
          try {
            for (;;) {
              yield 'item';
              await sleep(1);
            }
          } finally {
            returned.open();
          }
        }),
      );
      await servingHttp2(app, async (session) => {
        const stream = postHttp2(session, {}, accept);
        await once(stream, 'data');
        leave(stream);
        await returned.opened;
        await sleep(10);
      });
      expect(errors).toEqual([]);
    },
  );

  it('has its signal aborted', async () => {
    const begun = gate();
    const aborted = gate();
    const { app, errors } = envelopeApp(
      express(),
      bind([], async (_bound, { signal }) => {
        begun.open();
        await once(signal, 'abort');
        aborted.open();
        signal.throwIfAborted();
      }),
    );
    await servingHttp2(app, async (session) => {
      const stream = postHttp2(session, {});
      await begun.opened;
      leave(stream);
      await aborted.opened;
      await sleep(10);
    });
    expect(errors).toEqual([]);
  });

  it.each(['application/json', 'text/event-stream'])('has its run ended: %s', async (accept) => {
    const begun = gate();
    const engine = smallEngine(async function* () {
      begun.open();
      yield { type: 'message.delta', delta: 'a' };
      await new Promise(() => undefined);
    });
    const { app, errors } = envelopeApp(
      express(),
      bind([], () => run(engine, { messages: [{ role: 'user', content: 'hi' }] })),
    );
    await servingHttp2(app, async (session) => {
      const stream = postHttp2(session, {}, accept);
      await begun.opened;
      leave(stream);
      while (engine.closed === 0) await sleep(5);
    });
    expect(errors).toEqual([]);
  });

  it('is found to be gone by a stream that is returned later', async () => {
    const begun = gate();
    const returned = gate();
    const { app, errors } = envelopeApp(
      express(),
      bind([], async (_bound, { res }) => {
        const closed = once(res, 'close');
        begun.open();
        await closed;
        return {
          [Symbol.asyncIterator]: () => ({
            next: () => Promise.reject(new Error('pulled')),
            return: async () => {
              returned.open();
              return { done: true, value: undefined };
            },
          }),
        };
      }),
    );
    await servingHttp2(app, async (session) => {
      const stream = postHttp2(session, {});
      await begun.opened;
      leave(stream);
      await returned.opened;
      await sleep(10);
    });
    expect(errors).toEqual([]);
  });

  it('is found to be gone by agentEnvelope(), and is no error of the app', async () => {
    const begun = gate();
    const seen = gate<boolean>();
    const app = express().use(express.json(), async (_req, res, next) => {
      const closed = once(res, 'close');
      begun.open();
      await closed;
      next();
    });
    const { errors } = envelopeApp(
      app,
      bind([], (_bound, { signal }) => seen.open(signal.aborted)),
    );
    await servingHttp2(app, async (session) => {
      const stream = postHttp2(session, {});
      await begun.opened;
      leave(stream);
      expect(await seen.opened).toBe(true);
    });
    expect(errors).toEqual([]);
  });
});

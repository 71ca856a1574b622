import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { SpanStatusCode, trace } from '@opentelemetry/api';
import compression from 'compression';
import type { ErrorRequestHandler, RequestHandler } from 'express';
import express from 'express';
import request from 'supertest';
import { agentEnvelope, bind, getSessionId } from '../../lib/index.js';
import {
  connect,
  envelopeApp,
  gate,
  keepErrors,
  responseTo,
  serving,
  useTracing,
} from '../helpers.js';
import { postHttp2, servingHttp2 } from './http2-bridge.js';

const tracing = useTracing();

const BODY = { session_id: 'conv-1' };
const text = (value: string) => new TextEncoder().encode(value);

/** A route that returns what `make` makes, and what came to its error handlers. */
const routeOf = (make: () => unknown, before: RequestHandler[] = []) => {
  const app = express();
  app.use((_req, _res, next) => next(), ...before);
  return envelopeApp(
    app,
    bind([], () => make()),
  );
};

interface Reply {
  readonly status: number | undefined;
  readonly reason: string | undefined;
  readonly headers: http.IncomingHttpHeaders;
  readonly text: string;
}

async function read(res: http.IncomingMessage): Promise<Reply> {
  let body = '';
  for await (const chunk of res.setEncoding('utf8')) body += chunk;
  const { statusCode: status, statusMessage: reason, headers } = res;
  return { status, reason, headers, text: body };
}

async function replyTo(make: () => unknown, headers = {}, before: RequestHandler[] = []) {
  const { app, errors } = routeOf(make, before);
  return serving(app, async (url) => {
    const client = http.request(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
    });
    client.end(JSON.stringify(BODY));
    return { ...(await read(await responseTo(client))), errors };
  });
}

/** An error handler that leaves the connection alone. */
const silent: ErrorRequestHandler = (_error, _req, _res, _next) => undefined;

/** A body whose first chunk is there and whose second one never comes; `cancelled` when nobody reads it any more. */
function stalled() {
  const cancelled = gate<unknown>();
  const body = new ReadableStream({
    start: (controller) => controller.enqueue(text('first')),
    cancel: (reason) => cancelled.open(reason ?? 'cancelled'),
  });
  return { body, cancelled: cancelled.opened };
}

/** As another realm has it, or another copy of undici: nothing of it is `instanceof` ours. */
function foreign(real: Response): object {
  class Foreign {
    readonly [Symbol.toStringTag] = 'Response';
    readonly status = real.status;
    readonly statusText = real.statusText;
    readonly url = real.url;
    readonly headers = real.headers;
    readonly body = real.body;
    readonly bodyUsed = real.bodyUsed;
  }
  return new Foreign();
}

describe('a Response that a handler returns', () => {
  const SENT: [what: string, make: () => unknown, expected: Partial<Reply>][] = [
    ['a text', () => new Response('answer'), { status: 200, text: 'answer' }],
    ['JSON', () => Response.json({ a: 1 }, { status: 201 }), { status: 201, text: '{"a":1}' }],
    ['no body', () => new Response(null), { status: 200, text: '' }],
    ['a 204', () => new Response(null, { status: 204 }), { status: 204, text: '' }],
    ['a 304', () => new Response(null, { status: 304 }), { status: 304, text: '' }],
    [
      'a 500 of its own',
      () => new Response('mine', { status: 500 }),
      { status: 500, text: 'mine' },
    ],
    ['an empty stream', () => new Response(new Blob([]).stream()), { status: 200, text: '' }],
    [
      'a reason of its own',
      () => new Response('', { status: 418, statusText: 'Teapot' }),
      { status: 418, reason: 'Teapot' },
    ],
    [
      'one of another realm',
      () => foreign(new Response('answer')),
      { status: 200, text: 'answer' },
    ],
  ];

  it.each(SENT)('goes out as it is, with the id: %s', async (_what, make, expected) => {
    const reply = await replyTo(make);
    expect(reply).toMatchObject({ ...expected, errors: [] });
    expect(reply.headers['x-session-id']).toBe('conv-1');
  });

  it('keeps its headers, each cookie, and what other middlewares have set', async () => {
    const headers = new Headers({ 'content-type': 'text/csv', vary: 'Accept', 'x-own': 'yes' });
    headers.append('set-cookie', 'a=1');
    headers.append('set-cookie', 'b=2');
    const earlier: RequestHandler = (_req, res, next) => {
      res.set({ vary: 'Origin', 'x-own': 'no' }).cookie('c', '3');
      next();
    };
    const reply = await replyTo(() => new Response('1,2', { headers }), {}, [earlier]);
    expect(reply.headers).toMatchObject({
      'content-type': 'text/csv',
      vary: 'Origin, Accept',
      'x-own': 'yes',
      'set-cookie': ['c=3; Path=/', 'a=1', 'b=2'],
    });
  });

  it('brings no header that frames a connection, and none that its Connection names', async () => {
    const framing = {
      connection: 'close, x-hop',
      'keep-alive': 'timeout=1',
      'transfer-encoding': 'gzip',
      'content-length': '3',
      trailer: 'x-hop',
      te: 'trailers',
      upgrade: 'h2c',
      'x-hop': '1',
    };
    const { headers, text: body } = await replyTo(
      () => new Response('answer', { headers: framing }),
    );
    expect(body).toBe('answer');
    expect(headers).toMatchObject({ connection: 'keep-alive', 'transfer-encoding': 'chunked' });
    for (const name of ['trailer', 'te', 'upgrade', 'x-hop', 'content-length']) {
      expect(headers).not.toHaveProperty(name);
    }
  });

  it('of fetch() no longer says how its bytes were encoded: they are decoded', async () => {
    const upstream = express();
    upstream.get('/', async (_req, res) => {
      const { gzipSync } = await import('node:zlib');
      res.set('content-encoding', 'gzip').send(gzipSync('answer'));
    });
    await serving(upstream, async (url) => {
      const reply = await replyTo(() => fetch(url));
      expect([reply.status, reply.text]).toEqual([200, 'answer']);
      expect(reply.headers).not.toHaveProperty('content-encoding');
    });
  });

  it("carries the request's id, not the one that it brings", async () => {
    const headers = { 'x-session-id': 'other' };
    expect((await replyTo(() => new Response('', { headers }))).headers['x-session-id']).toBe(
      'conv-1',
    );
  });

  it('is not negotiated: a client that takes JSON alone gets its text', async () => {
    const reply = await replyTo(() => new Response('answer'), { accept: 'application/json' });
    expect([reply.status, reply.text]).toEqual([200, 'answer']);
  });

  it('is checked by no schema of the outputs', async () => {
    const app = express();
    const outputs = { type: 'object' } as const;
    envelopeApp(
      app,
      bind({ outputs }, () => new Response('answer')),
    );
    await serving(app, async (url) => {
      expect((await read(await responseTo(connect(url, BODY)))).text).toBe('answer');
    });
  });

  const UNSENDABLE: [what: string, make: () => unknown, named: RegExp][] = [
    [
      'a body that was read',
      async () => {
        const response = new Response('private');
        await response.text();
        return response;
      },
      /read already/,
    ],
    [
      'a body that something reads',
      () => {
        const response = new Response('private');
        response.body?.getReader();
        return response;
      },
      /read already/,
    ],
    ['Response.error()', () => Response.error(), /no status/],
    [
      'a body that is not bytes',
      () =>
        new Response(
          new ReadableStream({ start: (controller) => controller.enqueue('private' as never) }),
        ),
      /TextEncoderStream/,
    ],
  ];

  it.each(UNSENDABLE)('is a 500 INVALID_OUTPUT that says why: %s', async (_what, make, named) => {
    const reply = await replyTo(make);
    expect([reply.status, JSON.parse(reply.text).code]).toEqual([500, 'INVALID_OUTPUT']);
    expect(reply.headers['x-session-id']).toBe('conv-1');
    expect(reply.text).not.toContain('private');
    expect((reply.errors[0] as Error).message).toMatch(named);
  });

  it('to HEAD is its headers, with the length of what a GET would bring, and its body is cancelled', async () => {
    const { body, cancelled } = stalled();
    const app = express();
    const envelope: RequestHandler = (req, _res, next) => {
      req.body = BODY;
      next();
    };
    app.use(envelope, agentEnvelope());
    app.all(
      '/',
      bind([], () => new Response(body, { headers: { 'content-length': '5' } })),
    );
    await serving(app, async (url) => {
      const res = await fetch(url, { method: 'HEAD' });
      expect([res.status, res.headers.get('content-length')]).toEqual([200, '5']);
      expect(res.headers.get('x-session-id')).toBe('conv-1');
    });
    await cancelled;
  });

  it('waits for compression() again and again with one listener', async () => {
    const piece = randomBytes(65_536);
    let left = 40;
    const make = () =>
      new Response(
        new ReadableStream({
          pull(controller) {
            left -= 1;
            if (left < 0) controller.close();
            else controller.enqueue(piece);
          },
        }),
        { headers: { 'content-type': 'text/plain' } },
      );
    let [waits, listeners] = [0, 0];
    const count: RequestHandler = (_req, res, next) => {
      const { on, write } = res;
      res.on = function (this: typeof res, type: string, listener: () => void) {
        if (type === 'drain') listeners += 1;
        return on.call(this, type, listener);
      } as typeof on;
      res.write = function (chunk: Uint8Array) {
        const more = write.call(this, chunk, 'utf8');
        if (!more) waits += 1;
        return more;
      };
      next();
    };
    const { app } = routeOf(make, [compression({ threshold: 0 }), count]);
    const reply = await request(app).post('/').set('accept-encoding', 'gzip').send(BODY);
    expect([reply.status, left]).toEqual([200, -1]);
    expect([waits > 10, listeners]).toEqual([true, 1]);
  });

  it.each(['gzip', 'br'])('goes through compression() piece by piece, as %s', async (encoding) => {
    const pieces = ['data: 1\n\n', 'data: 2\n\n', 'data: 3\n\n'];
    let received = '';
    let arrived = gate();
    const body = new ReadableStream({
      async pull(controller) {
        const piece = pieces.shift();
        if (piece === undefined) return controller.close();
        controller.enqueue(text(piece));
        arrived = gate();
        // The next one is made when the client has this one.
        await arrived.opened;
      },
    });
    const make = () => new Response(body, { headers: { 'content-type': 'text/event-stream' } });
    const { app } = routeOf(make, [compression({ threshold: 0 })]);
    await serving(app, async (url) => {
      const headers = { 'content-type': 'application/json', 'accept-encoding': encoding };
      const res = await fetch(url, { method: 'POST', headers, body: '{}' });
      expect(res.headers.get('content-encoding')).toBe(encoding);
      for await (const chunk of res.body ?? []) {
        received += new TextDecoder().decode(chunk);
        arrived.open();
      }
    });
    expect(received).toBe('data: 1\n\ndata: 2\n\ndata: 3\n\n');
  });

  it('has its headers sent while its first chunk is still to come', async () => {
    const go = gate();
    const body = new ReadableStream({
      async pull(controller) {
        await go.opened;
        controller.enqueue(text('late'));
        controller.close();
      },
    });
    const { app } = routeOf(() => new Response(body));
    await serving(app, async (url) => {
      const res = await responseTo(connect(url, BODY));
      expect(res.headers['x-session-id']).toBe('conv-1');
      go.open();
      expect((await read(res)).text).toBe('late');
    });
  });

  it('is read in the session', async () => {
    const ids: unknown[] = [];
    let n = 0;
    const body = new ReadableStream(
      {
        async pull(controller) {
          await sleep(1);
          ids.push(getSessionId());
          controller.enqueue(Buffer.alloc(256 * 1024));
          if (++n === 20) controller.close();
        },
      },
      { highWaterMark: 0 },
    );
    await replyTo(() => new Response(body));
    expect(ids).toEqual(Array(20).fill('conv-1'));
  });
});

describe('the body of a Response', () => {
  it('waits for a client that does not read', async () => {
    let pulled = 0;
    const cancelled = gate<unknown>();
    const body = new ReadableStream({
      pull(controller) {
        pulled += 1;
        controller.enqueue(new Uint8Array(64 * 1024));
      },
      cancel: () => cancelled.open(undefined),
    });
    const { app } = routeOf(() => new Response(body));
    await serving(app, async (url) => {
      const client = connect(url, BODY);
      await responseTo(client);
      let before: number;
      do {
        before = pulled;
        await sleep(100);
      } while (pulled !== before);
      expect(pulled).toBeLessThan(2000);
      client.destroy();
      await cancelled.opened;
    });
  });

  it.each([
    [1024, 20_000],
    [1, 100_000],
    [0, 100_000],
  ])('that never pauses lets others have their turn: chunks of %i bytes', async (size, endless) => {
    let pulled = 0;
    const called = gate();
    const body = new ReadableStream({
      pull(controller) {
        called.open();
        if (pulled++ < endless) controller.enqueue(new Uint8Array(size));
        else controller.close();
      },
    });
    const { app } = routeOf(() => new Response(body));
    await serving(app, async (url) => {
      const client = connect(url, BODY);
      responseTo(client).then((res) => res.resume());
      await called.opened;
      expect((await fetch(`${url}missing`)).status).toBe(404);
      expect(pulled).toBeLessThan(endless);
      client.destroy();
    });
  });

  it('is cancelled when the client leaves, which is no error of the app', async () => {
    const { body, cancelled } = stalled();
    const { app, errors } = routeOf(() => new Response(body));
    await serving(app, async (url) => {
      const client = connect(url, BODY);
      const res = await responseTo(client);
      await once(res, 'data');
      client.destroy();
      await cancelled;
    });
    expect(errors).toEqual([]);
  });

  it('is cancelled when the client left, or the app answered, before it was returned', async () => {
    const left = stalled();
    const answered = stalled();
    const called = gate();
    const app = express();
    app.use(agentEnvelope());
    app.post(
      '/left',
      bind([], async (_bound, { signal }) => {
        called.open();
        await once(signal, 'abort');
        return new Response(left.body);
      }),
    );
    app.post(
      '/answered',
      bind([], (_bound, { res }) => {
        res.json('mine');
        return new Response(answered.body);
      }),
    );
    await serving(app, async (url) => {
      const client = connect(`${url}left`, BODY);
      await called.opened;
      client.destroy();
      await left.cancelled;
      const reply = await read(await responseTo(connect(`${url}answered`, BODY)));
      expect(reply.text).toBe('"mine"');
      await answered.cancelled;
    });
  });

  it('that fails in its first turn keeps the status of its failure', async () => {
    const failure = Object.assign(new Error('busy'), { status: 503 });
    const body = new ReadableStream({ pull: () => Promise.reject(failure) });
    const reply = await replyTo(() => new Response(body));
    expect([reply.status, reply.errors]).toEqual([503, [failure]]);
  });

  it('that fails in the middle resets the connection, goes to next(error) and marks the span', async () => {
    const failure = new Error('private');
    let n = 0;
    const body = new ReadableStream({
      async pull(controller) {
        if (n++ === 0) return controller.enqueue(text('first'));
        await sleep(5);
        throw failure;
      },
    });
    const errors: unknown[] = [];
    const ended = gate();
    const cutSpan: RequestHandler = (_req, res, next) => {
      trace.getTracer('spec').startActiveSpan('server', (span) => {
        res.once('close', () => ended.open(span.end()));
        next();
      });
    };
    const app = express();
    app.use(cutSpan, agentEnvelope());
    app.post(
      '/',
      bind([], () => new Response(body)),
    );
    app.use(keepErrors(errors), silent);
    await serving(app, async (url) => {
      const res = await responseTo(connect(url, BODY));
      await expect(read(res)).rejects.toThrow(/aborted/);
    });
    expect(errors).toEqual([failure]);
    await ended.opened;
    expect(tracing.spanNamed('server')?.status.code).toBe(SpanStatusCode.ERROR);
  });
});

describe('a Response over HTTP/2', () => {
  it('goes out with its status and headers, without those of HTTP/1', async () => {
    const headers = { connection: 'keep-alive', 'x-own': 'yes' };
    const { app, errors } = routeOf(
      () => new Response('answer', { status: 201, statusText: 'Made', headers }),
    );
    await servingHttp2(app, async (session) => {
      const stream = postHttp2(session, BODY, '*/*');
      const [got] = await once(stream, 'response');
      let body = '';
      for await (const chunk of stream) body += chunk;
      expect(got).toMatchObject({ ':status': 201, 'x-own': 'yes', 'x-session-id': 'conv-1' });
      expect([body, errors]).toEqual(['answer', []]);
    });
  });

  it('is cancelled when the client leaves', async () => {
    const { body, cancelled } = stalled();
    const { app } = routeOf(() => new Response(body));
    await servingHttp2(app, async (session) => {
      const stream = postHttp2(session, BODY, '*/*');
      await once(stream, 'response');
      stream.close(8);
      await cancelled;
    });
  });

  it('that fails in the middle resets its stream', async () => {
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(text('first')),
      async pull() {
        await sleep(5);
        throw new Error('private');
      },
    });
    const { app, errors } = routeOf(() => new Response(body));
    await servingHttp2(app, async (session) => {
      const stream = postHttp2(session, BODY, '*/*');
      await once(stream, 'response');
      const drain = async () => {
        for await (const _chunk of stream);
      };
      await expect(drain()).rejects.toThrow();
      expect(stream.rstCode).toBe(2);
    });
    expect(errors).toEqual([new Error('private')]);
  });
});

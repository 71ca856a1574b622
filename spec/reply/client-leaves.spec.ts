import { AsyncResource } from 'node:async_hooks';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { context, createContextKey } from '@opentelemetry/api';
import type { ErrorRequestHandler, Express, RequestHandler } from 'express';
import express from 'express';
import { run } from '../../lib/engines/index.js';
import { agentEnvelope, bind, getSessionId, problemDetails } from '../../lib/index.js';
import { smallEngine } from '../engines/small-engine.js';
import { envelopeApp, gate, JSON_TYPE, serving, useTracing } from '../helpers.js';

useTracing();

/** An envelope route, and what came to its error handlers. */
function appOf(route: RequestHandler, before: RequestHandler[] = [], options = {}) {
  const app = express();
  app.use((_req, _res, next) => next(), ...before);
  return envelopeApp(app, route, options);
}

/** A client that takes what `accept` says, and can leave. */
function connect(url: string, body: object, accept = '*/*'): http.ClientRequest {
  const headers = { 'content-type': JSON_TYPE, accept };
  const client = http.request(url, { method: 'POST', headers });
  client.on('error', () => undefined);
  client.end(JSON.stringify(body));
  return client;
}

/** Asks again until it holds: the test runner's limit ends a wait in vain. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(10);
}

const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;

/** One write of `count` requests on one socket. */
function pipelined(count: number, accept: string): string {
  const body = '{"session_id":"conv-1"}';
  const head = `POST / HTTP/1.1\r\nHost: x\r\nAccept: ${accept}\r\nContent-Type: application/json`;
  return `${head}\r\nContent-Length: ${body.length}\r\n\r\n${body}`.repeat(count);
}

/** Serves what a socket sends, which leaves when `served` of the requests are being served. */
async function leavingPipeline(app: Express, count: number, served: () => number, accept = '*/*') {
  await serving(app, async (url) => {
    const socket = net.connect(Number(new URL(url).port), '127.0.0.1');
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    socket.write(pipelined(count, accept));
    await until(() => served() === count);
    socket.destroy();
    await once(socket, 'close');
  });
}

describe('a client that pipelines requests on one connection and leaves', () => {
  const COUNT = 200;

  it.each(['application/x-ndjson', 'text/event-stream'])(
    'has each of its streams returned, and no timer or listener stays: %s',
    async (accept) => {
      let opened = 0;
      let returned = 0;
      const before = timers();
      const { app, errors } = appOf(
        bind([], () =>
          (async function* () {
            opened += 1;
            try {
              for (;;) {
                yield 'item';
                await sleep(5);
              }
            } finally {
              returned += 1;
            }
          })(),
        ),
      );
      await leavingPipeline(app, COUNT, () => opened, accept);
      await until(() => returned === COUNT);
      await until(() => timers() <= before);
      expect(errors).toEqual([]);
    },
  );

  it('has each signal aborted', async () => {
    let began = 0;
    let aborted = 0;
    const { app, errors } = appOf(
      bind([], async (_bound, { signal }) => {
        began += 1;
        await once(signal, 'abort');
        aborted += 1;
        signal.throwIfAborted();
      }),
    );
    await leavingPipeline(app, COUNT, () => began);
    await until(() => aborted === COUNT);
    expect(errors).toEqual([]);
  });

  it.each(['application/json', 'text/event-stream'])(
    'has each of its runs ended: %s',
    async (accept) => {
      let began = 0;
      const engine = smallEngine(async function* () {
        began += 1;
        yield { type: 'message.delta', delta: 'a' };
        await new Promise(() => undefined);
      });
      const { app, errors } = appOf(
        bind([], () => run(engine, { messages: [{ role: 'user', content: 'hi' }] })),
      );
      await leavingPipeline(app, COUNT, () => began, accept);
      await until(() => engine.closed === COUNT);
      expect(errors).toEqual([]);
    },
  );

  it('adds one listener to its socket, however many requests wait', async () => {
    const sockets = new Set<net.Socket>();
    const counts: number[] = [];
    let began = 0;
    const { app } = appOf(
      bind([], async (_bound, { req, signal }) => {
        began += 1;
        sockets.add(req.socket);
        counts.push(req.socket.listenerCount('close'));
        await once(signal, 'abort');
        signal.throwIfAborted();
      }),
    );
    await leavingPipeline(app, COUNT, () => began);
    expect(sockets.size).toBe(1);
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
  });

  it('is no client that has left where it reads every reply', async () => {
    let aborted = 0;
    const { app, errors } = appOf(
      bind([], async (_bound, { signal }) => {
        signal.addEventListener('abort', () => {
          aborted += 1;
        });
        await sleep(1);
        return 'done';
      }),
    );
    await serving(app, async (url) => {
      const socket = net.connect(Number(new URL(url).port), '127.0.0.1');
      let text = '';
      socket.on('data', (chunk) => {
        text += chunk;
      });
      socket.write(pipelined(COUNT, '*/*'));
      await until(() => text.split('"outputs":"done"').length === COUNT + 1);
      socket.destroy();
      await once(socket, 'close');
    });
    expect([aborted, errors]).toEqual([0, []]);
  });
});

/** A handler that waits until its client has left, told by the response itself. */
function afterLeaving(handler: (signal: AbortSignal) => unknown) {
  const begun = gate();
  const done = gate();
  const route = bind([], async (_bound, { res, signal }) => {
    const closed = once(res, 'close');
    begun.open();
    await closed;
    setImmediate(done.open);
    return handler(signal);
  });
  return { route, begun: begun.opened, done: done.opened };
}

describe('what a handler returns after its client has left', () => {
  let events: string[] = [];
  beforeEach(() => {
    events = [];
  });
  const engine = {
    name: 'noting',
    async open() {
      events.push('opened');
      return smallEngine().open({ messages: [] }, new AbortController().signal);
    },
  };
  const source = () => ({
    [Symbol.asyncIterator]: () => ({
      next: async () => {
        events.push('pulled');
        return { done: true, value: undefined };
      },
      return: async () => {
        events.push('returned');
        return { done: true, value: undefined };
      },
    }),
  });
  const value = () => ({
    toJSON: () => {
      events.push('sent');
      return {};
    },
  });

  it.each<[kind: string, accept: string, output: () => unknown, expected: string[]]>([
    [
      'a run',
      'application/json',
      () => run(engine, { messages: [{ role: 'user', content: 'hi' }] }),
      [],
    ],
    [
      'a run',
      'text/event-stream',
      () => run(engine, { messages: [{ role: 'user', content: 'hi' }] }),
      [],
    ],
    ['a stream', 'text/event-stream', source, ['returned']],
    ['a stream', 'application/json', source, ['returned']],
    ['a value', 'application/json', value, []],
    ['a value', 'text/event-stream', value, []],
    ['nothing', 'application/json', () => undefined, []],
    ['a BigInt', 'application/json', () => 1n, []],
  ])(
    'is neither opened nor sent, and is no error: %s, %s',
    async (_kind, accept, output, expected) => {
      const { route, begun, done } = afterLeaving(output);
      const { app, errors } = appOf(route);
      await serving(app, async (url) => {
        const client = connect(url, {}, accept);
        await begun;
        client.destroy();
        await done;
        await sleep(20);
      });
      expect([events, errors]).toEqual([expected, []]);
    },
  );

  it('may be nothing where the handler has not taken res: it stopped because nobody is there', async () => {
    const begun = gate();
    const done = gate();
    const { app, errors } = appOf(
      bind([], async (_bound, { signal }) => {
        begun.open();
        await once(signal, 'abort');
        setImmediate(done.open);
      }),
    );
    await serving(app, async (url) => {
      const client = connect(url, {});
      await begun.opened;
      client.destroy();
      await done.opened;
    });
    expect(errors).toEqual([]);
  });
});

describe('the signal’s listeners', () => {
  const KEY = createContextKey('client-leaves.spec');

  it('run in the session and in the context in which the signal was read', async () => {
    const seen = gate<unknown[]>();
    const begun = gate();
    const { app } = appOf(
      bind([], (_bound, io) =>
        context.with(context.active().setValue(KEY, 'value'), async () => {
          const { signal } = io;
          signal.addEventListener('abort', () => {
            seen.open([getSessionId(), context.active().getValue(KEY)]);
          });
          begun.open();
          await once(signal, 'abort');
          signal.throwIfAborted();
        }),
      ),
    );
    await serving(app, async (url) => {
      const client = connect(url, { session_id: 'conv-1' });
      await begun.opened;
      client.destroy();
      expect(await seen.opened).toEqual(['conv-1', 'value']);
    });
  });

  it('run in the session although the signal was read outside of it', async () => {
    const outside = new AsyncResource('outside');
    const seen = gate<unknown>();
    const begun = gate();
    const { app } = appOf(
      bind([], async (_bound, io) => {
        const signal = outside.runInAsyncScope(() => io.signal);
        signal.addEventListener('abort', () => seen.open(getSessionId()));
        begun.open();
        await once(signal, 'abort');
        signal.throwIfAborted();
      }),
    );
    await serving(app, async (url) => {
      const client = connect(url, { session_id: 'conv-1' });
      await begun.opened;
      client.destroy();
      expect(await seen.opened).toBe('conv-1');
    });
  });

  it('run in the session of their own request, whoever pipelined before them', async () => {
    const seen: unknown[] = [];
    let began = 0;
    const { app } = appOf(
      bind(['session_id'], async ({ session_id }, { signal }) => {
        signal.addEventListener('abort', () => seen.push([session_id, getSessionId()]));
        began += 1;
        await once(signal, 'abort');
        signal.throwIfAborted();
      }),
    );
    const ids = Array.from({ length: 5 }, (_, i) => `conv-${i}`);
    await serving(app, async (url) => {
      const socket = net.connect(Number(new URL(url).port), '127.0.0.1');
      const requests = ids.map((id) => pipelined(1, '*/*').replace('conv-1', id));
      socket.write(requests.join(''));
      await until(() => began === ids.length);
      socket.destroy();
      await until(() => seen.length === ids.length);
    });
    expect(seen.sort()).toEqual(ids.map((id) => [id, id]));
  });
});

describe('a returned Readable whose client leaves', () => {
  it.each<[string, () => Readable]>([
    ['that is silent', () => new Readable({ objectMode: true, read() {} })],
    [
      'in the middle of its items',
      () =>
        new Readable({
          objectMode: true,
          read() {
            setTimeout(() => this.push('item'), 1);
          },
        }),
    ],
    ['that a generator feeds', () => Readable.from(ticks())],
  ])('%s is destroyed, and puts nothing before the error handler', async (_kind, make) => {
    const readable = make();
    const { app, errors } = appOf(bind([], () => readable));
    await serving(app, async (url) => {
      const client = connect(url, {});
      await until(
        () => readable.readableFlowing !== null || readable.listenerCount('readable') > 0,
      );
      client.destroy();
      await until(() => readable.destroyed);
      await sleep(20);
    });
    expect(errors).toEqual([]);
  });
});

async function* ticks() {
  for (;;) {
    yield 'item';
    await sleep(1);
  }
}

describe('nothing hangs, and nothing becomes an error of the app, when the client leaves', () => {
  /** The client has left when the promise is fulfilled; the exchange tells it, not the library. */
  const gone = (req: { socket: net.Socket }) =>
    req.socket.destroyed ? Promise.resolve() : once(req.socket, 'close');

  interface Case {
    readonly before?: RequestHandler[];
    readonly options?: object;
    readonly route?: (reached: () => void) => RequestHandler;
    /** Whether the handler is still called: what it does may be worth doing without a reply. */
    readonly called: boolean;
  }

  it.each<[when: string, makeCase: (reached: () => void) => Case]>([
    [
      'before agentEnvelope()',
      (reached) => ({
        before: [
          express.json(),
          async (req, _res, next) => {
            reached();
            await gone(req);
            next();
          },
        ],
        called: true,
      }),
    ],
    [
      'while authorize decides, and it says yes',
      (reached) => ({
        options: {
          authorize: async (_id: string, req: { socket: net.Socket }) => {
            reached();
            await gone(req);
            return true;
          },
        },
        called: true,
      }),
    ],
    [
      'between agentEnvelope() and the route',
      (reached) => ({
        route: () => (_req, _res, next) => next(),
        before: [
          express.json(),
          (req, _res, next) => {
            reached();
            gone(req).then(() => next());
          },
        ],
        called: false,
      }),
    ],
  ])('%s', async (_when, makeCase) => {
    const reached = gate();
    const { before, options, called, route } = makeCase(reached.open);
    const calls: unknown[] = [];
    const finished = gate();
    const handler = bind(['session_id'], ({ session_id }, { signal }) => {
      calls.push([session_id, getSessionId(), signal.aborted]);
      setImmediate(finished.open);
      return 'answer';
    });
    const { app, errors } = appOf(route?.(reached.open) ?? handler, before, options);
    app.use((_req, _res, next) => {
      finished.open();
      next();
    });
    await serving(app, async (url) => {
      const client = connect(url, { session_id: 'conv-1' });
      await reached.opened;
      client.destroy();
      await finished.opened;
      await sleep(10);
    });
    expect(errors).toEqual([]);
    expect(calls).toEqual(called ? [['conv-1', 'conv-1', true]] : []);
  });

  it('while authorize decides, and it says no: the refusal goes its way', async () => {
    const reached = gate();
    const { app, errors } = appOf(
      bind([], () => 'answer'),
      [],
      {
        authorize: async (_id: string, req: { socket: net.Socket }) => {
          reached.open();
          await gone(req);
          return false;
        },
      },
    );
    await serving(app, async (url) => {
      const client = connect(url, { session_id: 'conv-1' });
      await reached.opened;
      client.destroy();
      await until(() => errors.length > 0);
    });
    expect(errors).toEqual([expect.objectContaining({ code: 'SESSION_FORBIDDEN' })]);
  });

  it('in the middle of its body: a 400 of the body’s parser, and no handler runs', async () => {
    let calls = 0;
    const { app, errors } = appOf(
      bind([], () => {
        calls += 1;
        return 'answer';
      }),
    );
    await serving(app, async (url) => {
      const socket = net.connect(Number(new URL(url).port), '127.0.0.1');
      socket.write(
        'POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{',
      );
      await sleep(50);
      socket.destroy();
      await until(() => errors.length > 0);
    });
    expect(errors).toEqual([expect.objectContaining({ status: 400, type: 'request.aborted' })]);
    expect(calls).toBe(0);
  });

  it('while the app’s own error handler works: problemDetails() still has its say', async () => {
    const reached = gate();
    const finished = gate<unknown>();
    const app = express();
    app.use(agentEnvelope());
    app.post(
      '/',
      bind([], () => Promise.reject(new Error('private'))),
    );
    const slow: ErrorRequestHandler = async (error, req, _res, next) => {
      reached.open();
      await gone(req);
      next(error);
    };
    app.use(slow, problemDetails({ onError: finished.open }));
    await serving(app, async (url) => {
      const client = connect(url, {});
      await reached.opened;
      client.destroy();
      expect(await finished.opened).toEqual(new Error('private'));
    });
  });

  it('and a listener of its signal makes use of it: the engine’s fetch is aborted', async () => {
    const upstream = gate();
    const upstreamLeft = gate();
    const slow = express();
    slow.get('/', (_req, res) => {
      res.once('close', upstreamLeft.open);
      upstream.open();
    });
    await serving(slow, async (slowUrl) => {
      const { app, errors } = appOf(
        bind([], async (_bound, { signal }) => fetch(slowUrl, { signal })),
      );
      await serving(app, async (url) => {
        const client = connect(url, {});
        await upstream.opened;
        client.destroy();
        await upstreamLeft.opened;
        await sleep(10);
      });
      expect(errors).toEqual([]);
    });
  });

  it('and the same connection serves the next request after a stream that failed in band', async () => {
    const { app } = appOf(
      bind(['fail'], ({ fail }) =>
        (async function* () {
          yield 'item';
          await sleep(1);
          if (fail) throw new Error('private');
        })(),
      ),
    );
    await serving(app, async (url) => {
      const socket = net.connect(Number(new URL(url).port), '127.0.0.1');
      let text = '';
      socket.on('data', (chunk) => {
        text += chunk;
      });
      const bad = pipelined(1, '*/*').replace('{"session_id":"conv-1"}', '{"inputs":{"fail":1}}  ');
      socket.write(bad);
      await until(() => text.endsWith('0\r\n\r\n'));
      expect(text).toContain('INTERNAL_ERROR');
      text = '';
      socket.write(pipelined(1, '*/*'));
      await until(() => text.endsWith('0\r\n\r\n'));
      expect(text).toContain('"item"');
      expect(text).not.toContain('error');
      socket.destroy();
      await once(socket, 'close');
    });
  });
});

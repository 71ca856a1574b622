import { createReadStream } from 'node:fs';
import { Readable, type ReadableOptions } from 'node:stream';
import { jest } from '@jest/globals';
import express from 'express';
import request from 'supertest';
import { defineEngine, run } from '../../lib/engines/index.js';
import { agentEnvelope, bind, problemDetails } from '../../lib/index.js';
import { gate, keepErrors, serving } from '../helpers.js';

/** An app whose one route, for every method, gives `source`. */
function appOf(source: () => AsyncIterable<unknown>) {
  const app = express();
  app.set('env', 'test');
  app.use(agentEnvelope());
  app.all('/', bind([], source));
  app.use(problemDetails());
  return app;
}

describe('a Readable that is refused before it was read', () => {
  it.each<[string, string, () => Readable, number]>([
    ['its file is missing', 'application/json', () => createReadStream('/nope', 'utf8'), 406],
    ['it is of bytes', '*/*', () => createReadStream('/nope'), 500],
    [
      'its destroy() fails',
      'application/json',
      () =>
        new Readable({
          objectMode: true,
          read() {},
          destroy: (_error, done) => done(new Error('late')),
        }),
      406,
    ],
  ])('does not end the process when %s', async (_title, accept, source, status) => {
    const failures: unknown[] = [];
    let open: Readable | undefined;
    const app = appOf(() => {
      open = source();
      return open;
    });
    process.on('uncaughtException', (error) => failures.push(error));
    const reply = await request(app).post('/').set('accept', accept).send({});
    if (open?.closed === false) await new Promise((resolve) => open?.once('close', resolve));
    expect([reply.status, failures]).toEqual([status, []]);
    // Without a listener of the package's own, an error event would have thrown.
    expect(open?.listenerCount('error')).toBeGreaterThan(0);
  });
});

describe('a Readable that fails in the turn in which its handler made it', () => {
  const failing = (options: ReadableOptions) =>
    new Readable({ objectMode: true, read() {}, ...options });

  it.each<[string, () => Readable]>([
    ['it cannot be opened', () => failing({ construct: (done) => done(new Error('closed')) })],
    ['it is destroyed', () => failing({}).destroy(new Error('closed'))],
    [
      'it cannot be read',
      () =>
        failing({
          read() {
            this.destroy(new Error('closed'));
          },
        }),
    ],
    ['what it is made of fails', () => Readable.from(failingItems())],
  ])('is a 500, and does not end the process: %s', async (_title, source) => {
    const failures: unknown[] = [];
    const keep = (error: unknown) => failures.push(error);
    process.on('uncaughtException', keep);
    const reply = await request(appOf(source)).post('/').send({});
    await new Promise((resolve) => setImmediate(resolve));
    process.off('uncaughtException', keep);
    expect([reply.status, reply.body.code, failures]).toEqual([500, 'INTERNAL_ERROR', []]);
  });
});

// biome-ignore lint/correctness/useYield: it fails before
async function* failingItems(): AsyncGenerator<never> {
  throw new Error('closed');
}

describe('a reply without a body', () => {
  it.each<[string, number]>([
    ['HEAD', 200],
    ['POST', 204],
    ['POST', 304],
  ])('to %s with status %i never pulls a stream, and returns it', async (method, status) => {
    let pulled = 0;
    let returned = 0;
    const source: AsyncIterable<unknown> = {
      [Symbol.asyncIterator]: () => ({
        next: async () => ({ done: false, value: ++pulled }),
        return: async () => ({ done: true, value: ++returned }),
      }),
    };
    const app = express();
    app.use(agentEnvelope());
    app.all(
      '/',
      bind([], (_bound, { res }) => {
        res.status(status);
        return source;
      }),
    );
    await serving(app, async (url) => {
      // fetch refuses a HEAD with a body, and an envelope needs one.
      const { request: send } = await import('node:http');
      const headers = { 'content-type': 'application/json', 'content-length': 2 };
      const reply = await new Promise<number | undefined>((resolve, reject) => {
        const client = send(url, { method, headers }, (res) => {
          res.resume().on('end', () => resolve(res.statusCode));
        });
        client.on('error', reject).end('{}');
      });
      expect([reply, pulled, returned]).toEqual([status, 0, 1]);
    });
  });
});

describe.each([204, 304])('a source that sets the status %i itself', (status) => {
  const never = new Promise<void>(() => undefined);
  const turn = () => new Promise((resolve) => setImmediate(resolve));

  it('and fails in the same turn is told', async () => {
    const errors: unknown[] = [];
    const app = express();
    app.use(agentEnvelope());
    app.post(
      '/',
      bind([], async function* (_bound, { res }) {
        res.status(status);
        yield 1;
        throw new Error('private');
      }),
    );
    app.use(keepErrors(errors));
    const reply = await request(app).post('/').send({});
    expect([reply.status, errors]).toEqual([status, [new Error('private')]]);
  });

  it.each<[string, (pulled: number) => unknown]>([
    ['never pauses', () => undefined],
    ['pauses', turn],
    ['has no second item', (pulled) => (pulled === 1 ? undefined : never)],
    ['is silent', () => never],
  ])('is not read to an end that it may not have: it %s', async (title, pause) => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
    const left = gate();
    const app = express();
    app.use(agentEnvelope());
    app.post(
      '/',
      bind([], async function* (_bound, { res }) {
        res.status(status);
        if (title === 'is silent') setImmediate(() => jest.advanceTimersByTime(15_000));
        try {
          for (let pulled = 1; ; pulled += 1) {
            await pause(pulled);
            yield pulled;
          }
        } finally {
          left.open();
        }
      }),
    );
    try {
      const reply = await request(app).post('/').send({});
      expect([reply.status, reply.text]).toEqual([status, '']);
      // A generator that waits does not hear its own `return()`.
      if (pause(2) !== never) await left.opened;
    } finally {
      jest.useRealTimers();
    }
  });
});

describe('a source inside of a stream', () => {
  const body = (close: () => void) => new ReadableStream({ cancel: close });
  const idle = () => new Readable({ objectMode: true, read() {} });

  it.each<[string, (close: () => void) => unknown]>([
    ['a Readable', (close) => idle().once('close', close)],
    ['a Readable whose file is missing', (close) => createReadStream('/nope').once('close', close)],
    [
      'a Readable that fails later',
      (close) => {
        const source = idle().once('close', close);
        setImmediate(() => source.destroy(new Error('late')));
        return source;
      },
    ],
    ['a web stream', body],
    ['a Response', (close) => new Response(body(close))],
    [
      'an iterator that is open',
      (close) => ({
        [Symbol.asyncIterator]: () => ({
          next: async () => ({ done: false, value: 1 }),
          return: async () => ({ done: true, value: close() }),
        }),
      }),
    ],
    [
      'a run',
      (close) => {
        const engine = defineEngine('idle', async function* () {
          yield 'text';
        });
        const running = run(engine, { messages: [{ role: 'user', content: 'Hello' }] });
        const iterate = running[Symbol.asyncIterator];
        // Who awaits the result keeps the run: it is asked for after the end.
        const asked = () => {
          const events = iterate();
          const stop = async () => {
            const stopped = await events.return?.();
            running.result.catch(close);
            return stopped;
          };
          return { ...events, return: stop };
        };
        return Object.assign(running, { [Symbol.asyncIterator]: asked });
      },
    ],
  ])('is refused, and closed: %s', async (_kind, source) => {
    const failures: unknown[] = [];
    process.on('uncaughtException', (error) => failures.push(error));
    const { open, opened } = gate();
    const app = appOf(async function* () {
      yield source(open);
    });
    const reply = await request(app).post('/').send({});
    expect([reply.status, reply.body.code]).toEqual([500, 'INVALID_OUTPUT']);
    await opened;
    expect(failures).toEqual([]);
  });
});

describe('a source that never pauses', () => {
  it('leaves other requests their turn, though its client takes everything', async () => {
    let stop = false;
    const app = express();
    app.use(agentEnvelope());
    app.post(
      '/endless',
      bind([], async function* () {
        while (!stop) yield 'x'.repeat(50);
      }),
    );
    app.post(
      '/short',
      bind([], () => 'answered'),
    );
    await serving(app, async (url) => {
      const headers = { 'content-type': 'application/json' };
      const endless = fetch(new URL('endless', url), { method: 'POST', headers, body: '{}' });
      const reader = (async () => {
        for await (const _ of (await endless).body ?? []);
      })();
      await endless;
      const short = await fetch(new URL('short', url), { method: 'POST', headers, body: '{}' });
      expect(short.status).toBe(200);
      stop = true;
      await reader;
    });
  });
});

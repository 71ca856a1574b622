/** What a handler returns besides an answer of its own through `res`: it is closed, and the developer is told, once, on stderr. */
import { once } from 'node:events';
import { PassThrough, Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { jest } from '@jest/globals';
import compression from 'compression';
import express, { type Response as Res } from 'express';
import { defineEngine, run } from '../../lib/engines/index.js';
import { agentEnvelope, bind, problemDetails } from '../../lib/index.js';
import { uiMessageStream } from '../../lib/protocols/ui-message-stream/index.js';
import { connect, envelopeApp, gate, keepErrors, post, responseTo, serving } from '../helpers.js';

/** What stderr gets of an app in production. */
let printed: string[] = [];
beforeEach(() => {
  printed = [];
  jest.spyOn(process.stderr, 'write').mockImplementation((chunk) => {
    printed.push(String(chunk));
    return true;
  });
});
afterEach(() => jest.restoreAllMocks());
const production = () => express().set('env', 'production');

const ANSWERS: [how: string, answer: (res: Res) => unknown, text: string][] = [
  ['res.json()', (res) => res.json('mine'), '"mine"'],
  ['res.end()', (res) => res.end('mine'), 'mine'],
  [
    'res.write() and a later res.end()',
    (res) => {
      res.write('mi');
      return setImmediate(() => res.end('ne'));
    },
    'mine',
  ],
  [
    'a head and a later body',
    (res) => {
      res.flushHeaders();
      return setImmediate(() => res.end('mine'));
    },
    'mine',
  ],
];

/** `closed` is called when it is closed. */
const SOURCES: [kind: string, make: (closed: () => void) => unknown, named: string][] = [
  [
    'an iterator',
    (closed) => ({
      [Symbol.asyncIterator]: () => ({
        next: () => expect('pulled').toBe('never pulled'),
        return: async () => ({ done: true, value: closed() }),
      }),
    }),
    'a stream',
  ],
  [
    'an iterator that fails to close',
    (closed) => ({
      [Symbol.asyncIterator]: () => ({
        next: () => undefined,
        return() {
          closed();
          throw new Error('private');
        },
      }),
    }),
    'a stream',
  ],
  ['a web stream', (closed) => new ReadableStream({ cancel: closed }), 'a stream'],
  ['a Response', (closed) => new Response(new ReadableStream({ cancel: closed })), 'a Response'],
  ['a run', (closed) => closedRun(closed), 'a run'],
  ['the response of a protocol', (closed) => uiMessageStream(closedRun(closed)), 'a Response'],
  ['a value', holding(() => ({ a: 1 })), 'a value'],
  ['text', holding(() => 'text'), 'a value'],
  ['a list', holding(() => [null, { a: 1 }]), 'a value'],
  ['a read Response', holding(readResponse), 'a Response'],
];

/** There is nothing to close. */
function holding(make: () => unknown) {
  return (closed: () => void) => {
    closed();
    return make();
  };
}

function closedRun(closed: () => void) {
  const engine = defineEngine('unread', () => expect('started').toBe('never started') as never);
  const running = run(engine, { messages: [{ role: 'user', content: 'Hello' }] });
  const iterator = running[Symbol.asyncIterator]();
  running[Symbol.asyncIterator] = () => ({
    next: () => iterator.next(),
    return: async () => {
      closed();
      return (await iterator.return?.()) as never;
    },
  });
  return running;
}

function readResponse() {
  const response = new Response('text');
  response.body?.getReader();
  return response;
}

describe.each(ANSWERS)('after %s', (_how, answer, text) => {
  it.each(SOURCES)(
    '%s is closed and told, once; the client has its answer',
    async (_kind, make, named) => {
      for (const late of [false, true]) {
        const closed = gate();
        printed.length = 0;
        const { app, errors } = envelopeApp(
          production(),
          bind([], (_bound, { res }) => {
            answer(res);
            return late ? nextTurn().then(() => make(closed.open)) : make(closed.open);
          }),
        );
        await serving(app, async (url) => {
          const reply = await fetch(url, {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: '{}',
          });
          expect([reply.status, await reply.text()]).toEqual([200, text]);
          await closed.opened;
          while (printed.length === 0) await nextTurn();
          await nextTurn();
        });
        expect(printed).toEqual([expect.stringContaining(`returned ${named}, which is dropped`)]);
        // An error handler would close the connection under the client's next request.
        expect(errors).toEqual([]);
      }
    },
  );

  it.each<[what: string, output: (res: Res) => unknown]>([
    ['nothing', () => undefined],
    ['res', (res) => res],
    ['true', () => true],
    ['false', () => false],
    ['null', () => null],
    ['a number', () => 0],
    ['no text', () => ''],
    ['a function', () => () => undefined],
    ['a timer', () => setTimeout(() => undefined, 0)],
    ['what an event came with', (res) => once(res, 'close')],
    ['a list of what calls gave', async (res) => Promise.all([res, undefined, true])],
    ['a Readable', () => Readable.from(['a'])],
    ['the tail of a pipe', () => Readable.from(['a']).pipe(new PassThrough())],
    ['a promise of nothing', async () => undefined],
    ['a promise of res', async (res) => res],
    ['a promise of true', async () => true],
    ['a promise of the end', (res) => new Promise<void>((resolve) => res.once('close', resolve))],
  ])('%s is ordinary, and stays silent', async (_what, output) => {
    const over = gate();
    const { app, errors } = envelopeApp(
      production(),
      bind([], (_bound, { res }) => {
        res.once('close', over.open);
        answer(res);
        return output(res);
      }),
    );
    const reply = await post(app, {}).buffer(true);
    await over.opened;
    await nextTurn();
    expect([reply.status, reply.text, errors, printed]).toEqual([200, text, [], []]);
  });
});

it.each<[what: string, answer: (res: Res) => unknown]>([
  [
    'res.end() behind compression(), which gives its own stream',
    (res) => res.type('text').end('whole'),
  ],
  [
    '… after a first write',
    (res) => {
      res.type('text').write('who');
      return res.end('le');
    },
  ],
  [
    'the stream that the answer is made of',
    (res) => {
      res.type('text').flushHeaders();
      const source = Readable.from(['who', 'le']);
      source.pipe(res);
      return source;
    },
  ],
  [
    'an iterator that the answer is made of',
    (res) => {
      res.type('text').flushHeaders();
      const items = (async function* () {
        yield 'who';
        await nextTurn();
        yield 'le';
      })();
      const pump = async () => {
        for await (const item of items) res.write(item);
        res.end();
      };
      pump();
      return items;
    },
  ],
])('cuts off no answer by closing what was returned: %s', async (_what, answer) => {
  for (const before of [[], [compression({ threshold: 0 })]]) {
    const app = express();
    app.use(...before, agentEnvelope());
    app.post(
      '/',
      bind([], (_bound, { res }) => answer(res)),
    );
    app.use(problemDetails());
    const reply = await post(app, {}).buffer(true);
    expect([reply.status, reply.text]).toEqual([200, 'whole']);
  }
});

it('hurts no large answer that is still going out, without an error handler of the app either', async () => {
  const large = 'x'.repeat(8 * 1024 * 1024);
  for (const handlers of [[], [problemDetails()]]) {
    printed.length = 0;
    const app = production();
    app.use(agentEnvelope());
    app.post(
      '/',
      bind([], (_bound, { res }) => {
        res.end(large);
        return 'dropped';
      }),
    );
    for (const handler of handlers) app.use(handler);
    await serving(app, async (url) => {
      const reply = await responseTo(connect(url, {}));
      await nextTurn();
      expect(printed).toEqual([]);
      let length = 0;
      reply.on('data', (part: Buffer) => {
        length += part.length;
      });
      await once(reply, 'end');
      expect(length).toBe(large.length);
      while (printed.length === 0) await nextTurn();
    });
  }
});

describe('silent are, too,', () => {
  it.each<[what: string, leaves: boolean, takes: boolean]>([
    ['a value after its client has left', true, true],
    ['a value that comes after the app, not its handler, has answered', false, false],
  ])('%s', async (_what, leaves, takes) => {
    const called = gate();
    const go = gate();
    const over = gate();
    const errors: unknown[] = [];
    const app = production();
    app.use(agentEnvelope(), (_req, res, next) => {
      res.once('close', over.open);
      if (!leaves) called.opened.then(() => res.status(503).end());
      next();
    });
    app.post(
      '/',
      bind([], async (_bound, io) => {
        if (takes) io.res.write('a');
        called.open();
        await go.opened;
        return 'late';
      }),
    );
    app.use(keepErrors(errors));
    await serving(app, async (url) => {
      const client = connect(url, {});
      await responseTo(client);
      if (leaves) client.destroy();
      await over.opened;
      go.open();
      await nextTurn();
    });
    expect([errors, printed]).toEqual([[], []]);
  });
});

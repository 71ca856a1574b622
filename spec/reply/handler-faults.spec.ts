/** Promises where none belongs, and what an app does to its response: which of them is the output's fault, and which is not. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import express, { type Response } from 'express';
import { run } from '../../lib/engines/index.js';
import { bind } from '../../lib/index.js';
import { agUiEvents } from '../../lib/protocols/ag-ui/index.js';
import { uiMessageStream } from '../../lib/protocols/ui-message-stream/index.js';
import { smallEngine } from '../engines/small-engine.js';
import { envelopeApp, NDJSON, post, SSE } from '../helpers.js';

const unhandled: unknown[] = [];
const note = (error: unknown) => void unhandled.push(error);
beforeAll(() => void process.on('unhandledRejection', note));
afterAll(() => void process.off('unhandledRejection', note));

/** By hand: an async generator would await each of them. */
const itemsOf = (...values: (() => unknown)[]) => ({
  [Symbol.asyncIterator]: () => ({
    next: async () => {
      const make = values.shift();
      return { done: make === undefined, value: make?.() };
    },
  }),
});
const rejecting = () => Promise.reject(new Error('private'));

describe('a promise where none belongs is refused, and its rejection ends no process', () => {
  it.each<[where: string, output: () => unknown, accept: string, status: number]>([
    ['as what toJSON() gives', () => ({ toJSON: rejecting }), '*/*', 500],
    ['as what an async toJSON() gives', () => ({ toJSON: async () => rejecting() }), '*/*', 500],
    ['as what toJSON() of an item gives', () => itemsOf(() => ({ toJSON: rejecting })), SSE, 500],
    [
      'as what toJSON() of a later item gives',
      () =>
        itemsOf(
          () => 1,
          () => ({ toJSON: rejecting }),
        ),
      NDJSON,
      200,
    ],
    [
      'as another thenable',
      // biome-ignore lint/suspicious/noThenProperty: it is what the case is about
      () => ({ toJSON: () => ({ then: () => expect('called').toBe('never called') }) }),
      '*/*',
      500,
    ],
  ])('%s', async (_where, output, accept, status) => {
    const { app, errors } = envelopeApp(
      express(),
      bind([], () => output()),
    );
    const reply = await post(app, {}).set('accept', accept).buffer(true);
    await nextTurn();
    expect([reply.status, unhandled.splice(0)]).toEqual([status, []]);
    expect(errors).toEqual([expect.objectContaining({ code: 'INVALID_OUTPUT' })]);
    expect((errors[0] as Error).message).toMatch(/a promise.*await it/);
    expect(reply.text ?? String(reply.body)).not.toContain('private');
  });

  it.each([
    [500, []],
    [200, [1]],
  ])('as an item it is the failure of the stream: %i', async (status, before) => {
    const { app, errors } = envelopeApp(
      express(),
      bind([], () => itemsOf(...before.map((item) => () => item), rejecting)),
    );
    const reply = await post(app, {}).set('accept', SSE);
    await nextTurn();
    expect([reply.status, unhandled.splice(0)]).toEqual([status, []]);
    expect(errors).toEqual([new Error('private')]);
    expect(reply.text).not.toContain('private');
  });

  it('as the value of a stream’s end', async () => {
    const source = {
      [Symbol.asyncIterator]: () => ({ next: async () => ({ done: true, value: rejecting() }) }),
    };
    const { app } = envelopeApp(
      express(),
      bind([], () => source),
    );
    await post(app, {}).expect(200);
    await nextTurn();
    expect(unhandled.splice(0)).toEqual([]);
  });
});

describe('toJSON() is called once', () => {
  it.each<[string, (count: () => undefined) => object, unknown]>([
    ['and gives a value', (count) => ({ toJSON: () => count() ?? { a: 1 } }), { a: 1 }],
    [
      'and gives the object itself',
      (count) => ({
        a: 1,
        toJSON() {
          count();
          return this;
        },
      }),
      { a: 1 },
    ],
    [
      'and gives another object with a toJSON() that JSON does not call',
      (count) => ({ toJSON: () => count() ?? { b: 2, toJSON: () => assertNever() } }),
      { b: 2 },
    ],
  ])('%s', async (_how, make, outputs) => {
    for (const schema of [undefined, {}]) {
      let calls = 0;
      const declaration = schema === undefined ? [] : { outputs: schema };
      const value = envelopeApp(
        express(),
        bind(declaration as [], () => make(() => void calls++ as undefined)),
      );
      const reply = await post(value.app, {}).expect(200);
      expect([reply.body.data.outputs, calls]).toEqual([outputs, 1]);
      const stream = envelopeApp(
        express(),
        bind(declaration as [], () => itemsOf(() => make(() => void calls++ as undefined))),
      );
      const { text } = await post(stream.app, {}).set('accept', SSE);
      expect([JSON.parse(text.replace('data: ', '')), calls]).toEqual([outputs, 2]);
    }
  });

  it('where it throws, too, and where it gives what cannot be sent', async () => {
    let calls = 0;
    for (const result of [() => 1n, () => assertNever()]) {
      const { app } = envelopeApp(
        express(),
        bind([], () => ({ toJSON: () => calls++ < 0 || result() })),
      );
      await post(app, {}).expect(500);
    }
    expect(calls).toBe(2);
  });
});

function assertNever(): never {
  throw new Error('private');
}

describe('a reply that cannot be written for another reason than its output', () => {
  const deep = `{"inputs":{"deep":${'['.repeat(2000)}${']'.repeat(2000)}}}`;
  const FAULTS: [what: string, spoil: (res: Response) => void, named: RegExp][] = [
    [
      'a status that is none',
      (res) => {
        res.statusCode = 9999;
      },
      /Invalid status code/,
    ],
    [
      'a header that HTTP cannot carry',
      (res) => {
        const { setHeader } = res;
        res.setHeader = function (name, value) {
          const bad = name === 'Content-Type' && !String(value).includes('problem');
          return setHeader.call(this, name, bad ? 'a\r\nb' : value);
        };
      },
      /Invalid character/,
    ],
    [
      'a writeHead that throws',
      (res) => {
        const { writeHead } = res;
        res.writeHead = () => {
          res.writeHead = writeHead;
          throw new TypeError('broken by the app');
        };
      },
      /broken by the app/,
    ],
  ];

  it.each(FAULTS)('is the app’s own error, not one of JSON: %s', async (_what, spoil, named) => {
    for (const body of ['{}', deep]) {
      for (const output of ['answer', itemsOf(() => 'item')]) {
        const { app, errors } = envelopeApp(
          express(),
          bind([], (_bound, { res }) => {
            spoil(res);
            return output;
          }),
        );
        const reply = await post(app, body);
        expect([reply.status, reply.body.code]).toEqual([500, 'INTERNAL_ERROR']);
        expect(errors).toHaveLength(1);
        expect((errors[0] as Error).message).toMatch(named);
      }
    }
  });
});

describe('an event of an engine that cannot be sent fails the run by its type and member', () => {
  it.each<[what: string, event: () => unknown, named: RegExp]>([
    ['a promise', () => rejecting(), /an event without a type/],
    [
      'a member that is a promise',
      () => ({ type: 'message.delta', delta: rejecting() }),
      /"message\.delta".*delta must be a string/,
    ],
    [
      'arguments that are a promise',
      () => ({ type: 'tool.call', id: 'a', name: 'b', arguments: rejecting() }),
      /"tool\.call".*arguments must be a value, not a promise/,
    ],
    [
      'a BigInt in the arguments',
      () => ({ type: 'tool.call', id: 'a', name: 'b', arguments: { n: 1n } }),
      /"tool\.call" that JSON cannot express: arguments/,
    ],
    [
      'a circle in the output',
      () => ({ type: 'tool.result', id: 'a', output: circle(), is_error: false }),
      /"tool\.result" that JSON cannot express: output/,
    ],
  ])('%s', async (_what, event, named) => {
    const engine = smallEngine(() => itemsOf(event) as never);
    const start = () => run(engine, { messages: [{ role: 'user', content: 'hi' }] });
    const sent = [start, () => uiMessageStream(start()), () => agUiEvents(start())];
    for (const make of sent) {
      const { app, errors } = envelopeApp(
        express(),
        bind([], () => make()),
      );
      const reply = await post(app, {}).set('accept', SSE).buffer(true);
      await nextTurn();
      expect(unhandled.splice(0)).toEqual([]);
      expect(reply.text).toMatch(/ENGINE_FAILED|The engine failed/);
      expect(errors).toEqual([expect.objectContaining({ code: 'ENGINE_FAILED' })]);
      expect((errors[0] as Error).message).toMatch(named);
    }
  });
});

function circle(): object {
  const made: { self?: unknown } = {};
  made.self = made;
  return made;
}

/** Express's settings for JSON hold for the items of streams as they hold for values, whatever the media type. */
import express, { type RequestHandler } from 'express';
import { type AgentEvent, run } from '../../lib/engines/index.js';
import { openExchange, sendEvents } from '../../lib/engines/queue/kept-runs.js';
import { bind } from '../../lib/index.js';
import { ask } from '../engines/nodes.js';
import { smallEngine } from '../engines/small-engine.js';
import { envelopeApp, JSON_TYPE, JSONL, NDJSON, post, SSE } from '../helpers.js';

const SAID = '<b>&\u2028';
const ITEM = { text: SAID, secret: 'private', count: 1 };

const textOfBigInt = (_name: string, value: unknown) =>
  typeof value === 'bigint' ? `${value}n` : value;
const withoutSecret = (name: string, value: unknown) => (name === 'secret' ? undefined : value);
const ITEM_NAMES = ['data', 'outputs', 'text', 'output', 'type', 'messages', 'content', 'delta'];

/** What is set, and what it makes of an item, as text. */
const SETTINGS: [setting: string, value: unknown, item: object, text: string][] = [
  ['json replacer', withoutSecret, ITEM, '{"text":"<b>&\u2028","count":1}'],
  ['json replacer', ITEM_NAMES, ITEM, '{"text":"<b>&\u2028"}'],
  ['json replacer', textOfBigInt, { text: 5n }, '{"text":"5n"}'],
  ['json replacer', undefined, { text: 'a' }, '{"text":"a"}'],
  ['json escape', true, { text: SAID }, '{"text":"\\u003cb\\u003e\\u0026\u2028"}'],
  ['json escape', false, { text: SAID }, '{"text":"<b>&\u2028"}'],
  ['json spaces', 2, { text: 'a' }, '{"text":"a"}'],
];
/** Streams are kept on one line for every line reader. */
const onOneLine = (text: string) => text.replaceAll('\u2028', '\\u2028');
/** A value may be spread over lines. */
const packed = (text: string) => text.replaceAll(/\n */g, '').replaceAll('": ', '":');

function settingApp(setting: string, value: unknown, route: RequestHandler) {
  const app = express();
  app.set(setting, value);
  return envelopeApp(app, route);
}

async function textOf(app: express.Express, accept: string): Promise<string> {
  const parse = (res: NodeJS.ReadableStream, done: (error: null, text: string) => void) => {
    let text = '';
    res.setEncoding('utf8').on('data', (part) => {
      text += part;
    });
    res.on('end', () => done(null, text));
  };
  return String(
    (
      await post(app, {})
        .set('accept', accept)
        .parse(parse as never)
    ).body,
  );
}

describe.each(SETTINGS)('%s %p', (setting, value, item, text) => {
  it('makes a value of it', async () => {
    const { app } = settingApp(
      setting,
      value,
      bind([], () => item),
    );
    expect(packed(await textOf(app, JSON_TYPE))).toBe(`{"data":{"outputs":${text}}}`);
  });

  it.each([
    [NDJSON, '', '\n'],
    [JSONL, '', '\n'],
    [SSE, 'data: ', '\n\n'],
  ])('makes the same of each item of %s', async (type, before, after) => {
    async function* items() {
      yield item;
      yield undefined;
      yield item;
    }
    for (const declaration of [[], { outputs: {} }]) {
      const { app } = settingApp(setting, value, bind(declaration as [], items));
      const frames = [onOneLine(text), 'null', onOneLine(text)];
      expect(await textOf(app, type)).toBe(
        frames.map((frame) => `${before}${frame}${after}`).join(''),
      );
    }
  });

  it('makes the same of a run, as a value, as a stream, and as one that is read on', async () => {
    const result = { type: 'tool.result', id: 'a', output: item, is_error: false } as const;
    const engine = smallEngine(async function* () {
      yield { type: 'tool.call', id: 'a', name: 'b', arguments: null };
      yield result;
    });
    const accepts = ['tool.call', 'tool.result'] as const;
    const { app } = settingApp(
      setting,
      value,
      bind([], () =>
        run({ ...engine, accepts }, { messages: [{ role: 'user', content: 'Hello' }] }),
      ),
    );
    app.post('/kept', (req, res, next) => {
      async function* kept(): AsyncGenerator<AgentEvent> {
        yield result;
      }
      sendEvents(openExchange(req, res, 'conv-1'), kept()).catch(next);
    });
    const told = value === ITEM_NAMES ? `"output":${text}` : `"output":${text},"is_error":false`;
    expect(packed(await textOf(app, JSON_TYPE))).toContain(told);
    for (const type of [NDJSON, SSE]) expect(await textOf(app, type)).toContain(onOneLine(told));
    const { text: kept } = await post(app, {}, '/kept');
    expect(kept).toContain(onOneLine(told));
  });
});

describe('a json replacer that throws', () => {
  it.each([JSON_TYPE, NDJSON, SSE])('is the app’s own failure, in %s', async (type) => {
    const throwing = (name: string, value: unknown) => {
      if (name === 'text') throw new Error('private');
      return value;
    };
    for (const output of [
      () => ITEM,
      async function* () {
        yield ITEM;
      },
    ]) {
      if ((type === JSON_TYPE) !== (output.constructor === Function)) continue;
      const { app, errors } = settingApp('json replacer', throwing, bind([], output));
      const reply = await post(app, {}).set('accept', type).expect(500);
      expect([reply.body.code, errors]).toEqual(['INTERNAL_ERROR', [new Error('private')]]);
    }
  });

  it.each([JSON_TYPE, NDJSON, SSE])('is no failure of the engine’s, in %s', async (type) => {
    const throwing = () => {
      throw new Error('private');
    };
    const route = bind([], () => run(smallEngine(), ask('Hello')));
    const { app, errors } = settingApp('json replacer', throwing, route);
    const reply = await post(app, {}).set('accept', type);
    expect(reply.status).toBe(500);
    expect(errors.map(String)).not.toContainEqual(expect.stringContaining('engine'));
  });
});

it('is read once for a stream', async () => {
  const { app } = settingApp(
    'json replacer',
    withoutSecret,
    bind([], async function* () {
      for (let i = 0; i < 50; i += 1) yield ITEM;
    }),
  );
  const read: unknown[] = [];
  const { get } = app;
  app.get = function (this: unknown, ...args: unknown[]) {
    if (args.length === 1 && String(args[0]).startsWith('json')) read.push(args[0]);
    return Reflect.apply(get, this, args);
  } as never;
  await textOf(app, NDJSON);
  expect(read.sort()).toEqual(['json escape', 'json replacer']);
});

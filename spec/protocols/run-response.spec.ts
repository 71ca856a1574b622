/** How a run goes out in a client's protocol: what is in a chunk, and what goes out when nothing comes. */
import { setImmediate } from 'node:timers/promises';
import { jest } from '@jest/globals';
import { defineEngine, type EnginePrompt, run } from '../../lib/engines/index.js';
import { withSessionId } from '../../lib/index.js';
import { agUiEvents } from '../../lib/protocols/ag-ui/index.js';
import { uiMessageStream } from '../../lib/protocols/ui-message-stream/index.js';
import { HEARTBEAT_MS } from '../../lib/reply/stream.js';
import { gate } from '../helpers.js';

const MESSAGES = [{ role: 'user', content: 'Hello' }] as const;
const HEARTBEAT = ':\n\n';

/** A reader of the texts that go out. */
function read(prompt: EnginePrompt, toResponse = uiMessageStream) {
  const response = toResponse(run(defineEngine('small', prompt), { messages: MESSAGES }));
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  return async () => {
    const { value } = await reader.read();
    return value && new TextDecoder().decode(value);
  };
}

/** The first text that has `part` in it. */
async function textWith(part: string, next: () => Promise<string | undefined>): Promise<string> {
  for (;;) {
    const text = await next();
    if (text === undefined) throw new Error(`The response has ended without ${part}`);
    if (text.includes(part)) return text;
  }
}

/** Long enough for all that waits for no timer. */
async function settle() {
  for (let i = 0; i < 20; i += 1) await setImmediate();
}

/** `undefined` for what waits for a timer: with the fake ones it would wait for ever. */
const soon = <T>(promise: Promise<T>) => Promise.race([promise, settle()]);

describe.each([
  ['uiMessageStream()', uiMessageStream],
  ['agUiEvents()', agUiEvents],
])('%s', (_name, toResponse) => {
  beforeAll(() => void jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate'] }));
  afterAll(() => void jest.useRealTimers());

  it.each(['\u0085', '\u2028', '\u2029'])(
    'has frames that no line reader cuts at %j',
    async (end) => {
      const next = read(async function* () {
        yield `one${end}two`;
      }, toResponse);
      const text = await textWith('one', next);
      expect(text).not.toContain(end);
      const frames = text.split('\n\n').filter((frame) => frame.startsWith('data: {'));
      expect(frames.map((frame) => JSON.parse(frame.slice(6)).delta)).toContain(`one${end}two`);
    },
  );

  it('sends a heartbeat in each silence', async () => {
    const more = gate();
    const next = read(async function* () {
      yield 'one';
      await more.opened;
      yield 'two';
    }, toResponse);
    await textWith('"one"', next);
    for (let i = 0; i < 2; i += 1) {
      const beat = next();
      await settle();
      jest.advanceTimersByTime(HEARTBEAT_MS - 1);
      expect(await soon(beat)).toBeUndefined();
      jest.advanceTimersByTime(1);
      expect(await soon(beat)).toBe(HEARTBEAT);
    }
    more.open();
    expect(await soon(next())).toContain('"two"');
    expect(jest.getTimerCount()).toBe(0);
  });

  it.each([
    ['no heartbeat', undefined],
    ['a heartbeat', 'conv-1'],
  ])('sends %s before the first event, where the session is %s', async (_what, id) => {
    const opened = gate();
    const engine = {
      name: 'slow',
      open: async () => {
        await opened.opened;
        return defineEngine('small', async function* () {
          yield 'one';
        }).open({ messages: MESSAGES }, new AbortController().signal);
      },
    };
    const respond = () => toResponse(run(engine, { messages: MESSAGES }));
    const { body } = id === undefined ? respond() : withSessionId(id, respond);
    const reader = (body as ReadableStream<Uint8Array>).getReader();
    const first = reader.read();
    await settle();
    jest.advanceTimersByTime(HEARTBEAT_MS);
    await settle();
    opened.open();
    const text = new TextDecoder().decode((await first).value);
    if (id === undefined) expect(text).toMatch(/^data: /);
    else expect(text).toBe(HEARTBEAT);
    await reader.cancel();
  });
});

describe('a chunk', () => {
  it('has what is there in one turn of the event loop, and not more', async () => {
    const next = read(async function* () {
      yield* ['one', 'two', 'three'];
      await setImmediate();
      await setImmediate();
      yield 'four';
    });
    const text = await textWith('"one"', next);
    expect(text).toMatch(/"one"[\s\S]*"two"[\s\S]*"three"/);
    expect(text).not.toContain('four');
    expect(await next()).toContain('"four"');
  });

  it('has the events before a failure of the same turn, and the failure', async () => {
    const next = read(async function* () {
      yield 'one';
      throw new Error('secret');
    });
    const text = await textWith('"one"', next);
    expect(text).toMatch(/"one"[\s\S]*"type":"error"[\s\S]*\[DONE\]/);
    expect(text).not.toContain('secret');
    expect(await next()).toBeUndefined();
  });

  it('has an end where the run never pauses', async () => {
    const next = read(async function* () {
      for (;;) yield 'x'.repeat(1000);
    });
    const sizes = [(await next())?.length, (await next())?.length];
    for (const size of sizes) expect(size).toBeLessThan(128 * 1024);
  });
});

describe('the tokens of a run', () => {
  type Start = () => ReturnType<typeof run>;
  const TELLERS: [how: string, tell: (start: Start) => Promise<unknown>][] = [
    ['a result', async (start) => (await start().result).usage],
    [
      'uiMessageStream()',
      async (start) => (await lastOf(uiMessageStream(start()))).messageMetadata,
    ],
    ['agUiEvents()', async (start) => (await lastOf(agUiEvents(start()))).result],
  ];
  const REPORTS: [what: string, counts: [number, number][], sum: object | undefined][] = [
    ['are left out where the engine reports none', [], undefined],
    ['are none where it reports none of them', [[0, 0]], { inputTokens: 0, outputTokens: 0 }],
    [
      'are those of all its calls',
      [
        [1, 2],
        [10, 20],
      ],
      { inputTokens: 11, outputTokens: 22 },
    ],
  ];

  async function lastOf(response: Response) {
    const frames = (await response.text()).split('\n\n').filter((frame) => frame.includes('{'));
    return JSON.parse(frames.at(-1)?.slice('data: '.length) ?? '');
  }

  it.each(
    TELLERS.flatMap(([how, tell]) => REPORTS.map((report) => [how, ...report, tell] as const)),
  )('in %s %s', async (how, _what, counts, sum, tell) => {
    const engine = defineEngine('counting', async function* () {
      for (const [input_tokens, output_tokens] of counts) {
        yield { type: 'usage', input_tokens, output_tokens };
      }
    });
    const told = await tell(() => run(engine, { messages: MESSAGES }));
    const usage = how === 'a result' ? told : Object(told).usage;
    if (sum === undefined) expect(JSON.stringify(told) ?? '').not.toContain('usage');
    if (sum === undefined) expect(usage).toBeUndefined();
    else expect(usage).toMatchObject(sum);
  });
});

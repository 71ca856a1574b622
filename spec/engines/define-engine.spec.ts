import { context, trace } from '@opentelemetry/api';
import { conformance } from '../../lib/engines/conformance/index.js';
import { type AgentEvent, defineEngine, type EngineRequest, run } from '../../lib/engines/index.js';
import { getSessionId } from '../../lib/index.js';
import { textOf } from '../../lib/shared/messages.js';
import { gate, UUID } from '../helpers.js';
import { startTracing } from './tracing.js';

const ASK = { messages: [{ role: 'user', content: 'Hello' }] } as const;

let tracing: ReturnType<typeof startTracing>;
beforeAll(() => {
  tracing = startTracing();
});
afterAll(() => tracing.stop());

describe('an engine of defineEngine() conforms: it', () => {
  const cases = conformance({
    engine: () =>
      defineEngine('quoter', async function* ({ messages }) {
        yield 'You said: ';
        yield textOf(messages.at(-1)?.content ?? '');
      }),
    failingEngine: () =>
      defineEngine('failing', async function* () {
        yield 'a';
        throw new Error('private reason');
      }),
    finishedSpans: () => tracing.finishedSpans(),
    quotes: true,
  });
  it.each(cases)('$name', ({ test }) => test());
});

describe('defineEngine()', () => {
  it('makes text of strings, and passes events on', async () => {
    const engine = defineEngine('mixed', async function* () {
      yield { type: 'reasoning.delta', delta: 'Hm' };
      yield 'one ';
      yield '';
      yield { type: 'message.delta', delta: 'two' };
      yield { type: 'usage', input_tokens: 1, output_tokens: 2 };
      yield { type: 'run.end', stop_reason: 'length' };
      yield 'too late';
    });
    const events: AgentEvent[] = [];
    for await (const event of run(engine, ASK)) events.push(event);
    expect(events.slice(1)).toEqual([
      { type: 'reasoning.delta', delta: 'Hm' },
      { type: 'message.delta', delta: 'one ' },
      { type: 'message.delta', delta: 'two' },
      { type: 'usage', input_tokens: 1, output_tokens: 2 },
      { type: 'run.end', stop_reason: 'length' },
    ]);
  });

  it('gives the generator the request without the id, in the session and under the span of the run', async () => {
    const seen: unknown[] = [];
    const engine = defineEngine('curious', async function* (request) {
      const span = trace.getSpan(context.active()) as { name?: string } | undefined;
      seen.push(request, getSessionId(), span?.name);
      yield 'done';
    });
    const messages = [
      { role: 'user', content: [{ type: 'image', media_type: 'image/png', data: 'AAAA' }] },
    ] as const;
    const request: EngineRequest = { messages, model: 'm', parameters: { n: 1 } };
    const result = await run(engine, { ...request, sessionId: 'conv-1' }).result;
    expect(seen).toEqual([request, 'conv-1', 'invoke_agent curious']);
    expect(result).toMatchObject({ sessionId: 'conv-1', model: 'm', stopReason: 'stop' });
    expect(result.engineSessionId).toMatch(UUID);
  });

  it('aborts the signal of the generator, and lets it clean up, when the consumer stops', async () => {
    const cleaned = gate<unknown>();
    const engine = defineEngine('stubborn', async function* (_request, signal) {
      try {
        for (;;) yield 'word ';
      } finally {
        cleaned.open(signal.aborted);
      }
    });
    for await (const { type } of run(engine, ASK)) if (type === 'message.delta') break;
    expect(await cleaned.opened).toBe(true);
  });

  it('takes text only where the engine says so', () => {
    const engine = { ...defineEngine('plain', async function* () {}), accepts: [] };
    const content = [{ type: 'image', media_type: 'image/png', data: 'AAAA' }] as const;
    expect(() => run(engine, { messages: [{ role: 'user', content }] })).toThrow(
      expect.objectContaining({ code: 'INVALID_INPUT' }),
    );
  });

  it.each([
    ['', async function* () {}, 'defineEngine: name must be a string that is not empty'],
    [undefined, async function* () {}, 'defineEngine: name'],
    ['x', undefined, 'defineEngine: prompt must be an async generator function'],
  ])('refuses the name %j with %p', (name, prompt, message) => {
    const attempt = () => defineEngine(name as never, prompt as never);
    expect(attempt).toThrow(TypeError);
    expect(attempt).toThrow(message);
  });

  it.each<[string, () => unknown, string]>([
    ['returns a promise', async () => 'text', 'The engine "odd" is no async generator function'],
    ['returns text', () => 'text', 'The engine "odd" is no async generator function'],
    [
      'yields a number',
      async function* () {
        yield 7;
      },
      'The engine "odd" sent an event that is not an object',
    ],
    [
      'yields nothing at all',
      async function* () {
        yield undefined;
      },
      'The engine "odd" sent an event that is not an object',
    ],
  ])('fails the run of a function that %s', async (_what, prompt, message) => {
    await expect(run(defineEngine('odd', prompt as never), ASK).result).rejects.toMatchObject({
      code: 'ENGINE_FAILED',
      message,
    });
  });
});

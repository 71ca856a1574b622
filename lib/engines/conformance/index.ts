/** An engine goes in, the cases that every engine must pass come out, for any test runner. */
import assert from 'node:assert/strict';
import { getSessionId, withSessionId } from '../../session/session.js';
import type { AgentEvent, AgentMessage } from '../../shared/run-events.js';
import type { AgentEngine, EngineRequest, EngineSession } from '../engine.js';
import { run } from '../run.js';

/** What the cases need of an adapter. */
export interface ConformanceSubject {
  /** The engine under test; it answers any message with some text. Called once per case. */
  readonly engine: () => AgentEngine;
  /** An engine that fails while it answers. */
  readonly failingEngine: () => AgentEngine;
  /**
   * The spans that have finished so far. Set up a tracer provider with `SessionSpanProcessor` and, say, an
   * `InMemorySpanExporter`.
   */
  readonly finishedSpans: () => readonly FinishedSpan[];
  /** Whether the answer quotes the last message: then interleaved answers are told apart, too. @defaultValue `false` */
  readonly quotes?: boolean | undefined;
}

/** What the cases read of a span; the SDK's `ReadableSpan` is one. */
export interface FinishedSpan {
  readonly name: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  spanContext(): { readonly traceId: string };
}

/** One case. */
export interface ConformanceCase {
  /** A sentence. */
  readonly name: string;
  /** Rejects with an `AssertionError` when the engine does not conform. */
  readonly test: () => Promise<void>;
}

/**
 * The cases of the engine contract.
 *
 * @param subject - see {@link ConformanceSubject}
 * @returns cases to hand to a test runner
 * @example
 * ```ts
 * for (const { name, test } of conformance({ engine, failingEngine, finishedSpans })) it(name, test);
 * ```
 */
export function conformance(subject: ConformanceSubject): readonly ConformanceCase[] {
  const { engine, failingEngine, finishedSpans, quotes = false } = subject;

  const spansOf = (traceId: string | undefined) =>
    finishedSpans().filter((span) => span.spanContext().traceId === traceId);
  const assertSpans = (traceId: string | undefined, id: string) => {
    const spans = spansOf(traceId);
    assert.ok(
      spans.some(({ name }) => name.startsWith('invoke_agent ')),
      'the run has a span invoke_agent',
    );
    for (const { name, attributes } of spans) {
      assert.equal(attributes['session.id'], id, `session.id of ${name}`);
      assert.equal(attributes['gen_ai.conversation.id'], id, `gen_ai.conversation.id of ${name}`);
    }
  };
  const ofItself = async (sessionId: string | null | undefined) => {
    const result = await run(engine(), { ...ask('Hello'), sessionId }).result;
    assert.equal(result.sessionId, result.engineSessionId);
    assert.notEqual(result.sessionId.trim(), '');
    assertSpans(result.traceId, result.sessionId);
  };

  return [
    {
      name: "goes by the platform's id when there is one, and keeps its own beside it",
      async test() {
        const result = await run(engine(), { ...ask('Hello'), sessionId: 'platform-1' }).result;
        assert.equal(result.sessionId, 'platform-1');
        assert.notEqual(result.engineSessionId, 'platform-1');
        assertSpans(result.traceId, 'platform-1');
      },
    },
    {
      name: 'goes by the id of the active session when the request has none',
      async test() {
        const result = await withSessionId('active-1', () => run(engine(), ask('Hello')).result);
        assert.equal(result.sessionId, 'active-1');
        assertSpans(result.traceId, 'active-1');
      },
    },
    ...[undefined, null, '', ' \t'].map((sessionId) => ({
      name: `goes by its own id when the platform's is ${JSON.stringify(sessionId) ?? 'undefined'}`,
      test: () => ofItself(sessionId),
    })),
    {
      name: 'teaches a session without an id its own',
      async test() {
        await withSessionId(null, async () => {
          const result = await run(engine(), ask('Hello')).result;
          assert.equal(getSessionId(), result.engineSessionId);
        });
      },
    },
    {
      name: 'has one id on the start event, the result and every span, and one trace',
      async test() {
        const running = run(engine(), { ...ask('Hello'), sessionId: 'one-id' });
        const events = await collect(running);
        const result = await running.result;
        const [start, ...others] = events;
        assert.ok(start?.type === 'run.start', 'run.start is the first event');
        assert.equal(start.session_id, 'one-id');
        assert.equal(start.trace_id, result.traceId);
        assert.equal(result.sessionId, 'one-id');
        assertSpans(result.traceId, 'one-id');
        assert.ok(
          others.every(({ type }) => type !== 'run.start'),
          'a run starts once',
        );
        assert.equal(others.at(-1)?.type, 'run.end', 'run.end is the last event');
      },
    },
    {
      name: 'streams the text that the result has',
      async test() {
        const running = run(engine(), ask('Hello'));
        const deltas = (await collect(running)).flatMap((event) =>
          event.type === 'message.delta' ? [event.delta] : [],
        );
        const { output, messages } = await running.result;
        assert.notEqual(output, '');
        assert.equal(deltas.join(''), output);
        assert.deepEqual(messages.at(-1), { role: 'assistant', content: output });
      },
    },
    {
      name: "never sees the platform's id",
      async test() {
        const watched = watch(engine());
        await run(watched.engine, { ...ask('Hello'), sessionId: 'secret-id' }).result;
        assert.equal(watched.requests.length, 2, 'open and prompt were called');
        assert.doesNotMatch(JSON.stringify(watched.requests), /secret-id|sessionId/);
      },
    },
    {
      name: 'is closed once behind a run that succeeds',
      async test() {
        const watched = watch(engine());
        await run(watched.engine, ask('Hello')).result;
        assert.equal(watched.closed(), 1);
      },
    },
    {
      name: 'is closed once behind a run that fails, which says so by its code',
      async test() {
        const watched = watch(failingEngine());
        await assert.rejects(async () => run(watched.engine, ask('Hello')).result, {
          code: 'ENGINE_FAILED',
        });
        assert.equal(watched.closed(), watched.opened());
      },
    },
    {
      name: 'is closed once when the signal aborts in the middle',
      async test() {
        const watched = watch(engine());
        const controller = new AbortController();
        const { signal } = controller;
        const running = run(watched.engine, ask('Hello'), { signal });
        await assert.rejects(
          async () => {
            for await (const event of running) {
              if (event.type === 'message.delta') controller.abort();
            }
          },
          { name: 'AbortError' },
        );
        await assert.rejects(async () => running.result, { name: 'AbortError' });
        assert.equal(watched.closed(), 1);
      },
    },
    {
      name: 'does not answer when the signal was aborted before',
      async test() {
        const watched = watch(engine());
        const signal = AbortSignal.abort();
        await assert.rejects(async () => run(watched.engine, ask('Hello'), { signal }).result, {
          name: 'AbortError',
        });
        assert.equal(watched.closed(), watched.opened());
      },
    },
    {
      name: 'is closed once when the consumer stops early',
      async test() {
        const watched = watch(engine());
        const running = run(watched.engine, ask('Hello'));
        for await (const event of running) if (event.type === 'message.delta') break;
        assert.equal(watched.closed(), 1);
        await assert.rejects(async () => running.result, { name: 'AbortError' });
      },
    },
    {
      name: 'keeps two interleaved conversations apart',
      async test() {
        const shared = engine();
        const texts = ['first-question', 'second-question'];
        const runs = texts.map((text) => run(shared, { ...ask(text), sessionId: `of-${text}` }));
        await Promise.all(runs.map(collect));
        for (const [i, text] of texts.entries()) {
          const result = await (runs[i] as (typeof runs)[number]).result;
          assert.equal(result.sessionId, `of-${text}`);
          assert.deepEqual(result.messages.slice(0, -1), ask(text).messages);
          assertSpans(result.traceId, `of-${text}`);
          if (quotes) assert.match(result.output, new RegExp(text));
        }
        const [one, two] = await Promise.all(runs.map((running) => running.result));
        assert.notEqual(one?.engineSessionId, two?.engineSessionId);
      },
    },
    {
      name: 'continues a conversation under the id of its first turn',
      async test() {
        const shared = engine();
        const first = await run(shared, ask('Hello')).result;
        const messages: AgentMessage[] = [
          ...first.messages,
          { role: 'user', content: 'And then?' },
        ];
        const second = await run(shared, { messages, sessionId: first.sessionId }).result;
        assert.equal(second.sessionId, first.sessionId);
        assert.deepEqual(second.messages.slice(0, -1), messages);
        assertSpans(second.traceId, first.sessionId);
      },
    },
  ];
}

function ask(content: string): EngineRequest {
  return { messages: [{ role: 'user', content }] };
}

async function collect(events: AsyncIterable<AgentEvent>): Promise<AgentEvent[]> {
  const collected: AgentEvent[] = [];
  for await (const event of events) collected.push(event);
  return collected;
}

/** The engine itself, with a note of what it was given and how often its sessions were closed. */
function watch(engine: AgentEngine) {
  const requests: EngineRequest[] = [];
  let opened = 0;
  let closed = 0;
  const watched: AgentEngine = {
    name: engine.name,
    provider: engine.provider,
    async open(request, signal) {
      requests.push(request);
      const session: EngineSession = await engine.open(request, signal);
      opened += 1;
      return {
        id: session.id,
        model: session.model,
        provider: session.provider,
        prompt(asked) {
          requests.push(asked);
          return session.prompt(asked);
        },
        close() {
          closed += 1;
          return session.close();
        },
      };
    },
  };
  return { engine: watched, requests, opened: () => opened, closed: () => closed };
}

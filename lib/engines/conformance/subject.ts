/** What the conformance cases need of an adapter, and what they do with it. */
import assert from 'node:assert/strict';
import type { AgentEvent } from '../../shared/run-events.js';
import type { AgentEngine, EngineRequest } from '../engine.js';

/** What the cases need of an adapter. */
export interface ConformanceSubject {
  /** The engine under test; it answers any message with some text. Called at least once per case. */
  readonly engine: () => AgentEngine;
  /** An engine that fails while it answers. */
  readonly failingEngine: () => AgentEngine;
  /**
   * The spans that have finished so far. Set up a tracer provider with `SessionSpanProcessor` and, say, an
   * `InMemorySpanExporter`.
   */
  readonly finishedSpans: () => readonly FinishedSpan[];
  /** Whether the answer quotes the last message: then interleaved answers are distinguished, too. @defaultValue `false` */
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

export function ask(content: string): EngineRequest {
  return { messages: [{ role: 'user', content }] };
}

export async function collect(events: AsyncIterable<AgentEvent>): Promise<AgentEvent[]> {
  const collected: AgentEvent[] = [];
  for await (const event of events) collected.push(event);
  return collected;
}

/** Every span of the trace has this one id. */
export function assertSpans(
  { finishedSpans }: ConformanceSubject,
  traceId: string | undefined,
  id: string,
): void {
  const spans = finishedSpans().filter((span) => span.spanContext().traceId === traceId);
  assert.ok(
    spans.some(({ name }) => name.startsWith('invoke_agent ')),
    'the run has a span invoke_agent',
  );
  for (const { name, attributes } of spans) {
    assert.equal(attributes['session.id'], id, `session.id of ${name}`);
    const isOfAi = Object.keys(attributes).some(
      (attribute) => attribute.startsWith('gen_ai.') && attribute !== 'gen_ai.conversation.id',
    );
    const conversation = attributes['gen_ai.conversation.id'];
    if (isOfAi) assert.equal(conversation, id, `gen_ai.conversation.id of ${name}`);
  }
}

/** An engine, with a record of what it was given and how its sessions were closed. */
export interface WatchedEngine {
  readonly engine: AgentEngine;
  readonly requests: readonly EngineRequest[];
  /** Asserts that each session that was opened has been closed, once and without a failure. */
  assertClosed(): Promise<void>;
}

export function watch(engine: AgentEngine): WatchedEngine {
  const requests: EngineRequest[] = [];
  let opened = 0;
  const closings: Promise<void>[] = [];
  const watched: AgentEngine = {
    name: engine.name,
    provider: engine.provider,
    accepts: engine.accepts,
    async open(request, signal) {
      requests.push(request);
      const session = await engine.open(request, signal);
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
          const closing = (async () => {
            assert.equal(typeof session.close, 'function', 'the session has no close()');
            await session.close();
          })();
          closings.push(closing);
          return closing;
        },
      };
    },
  };
  const assertClosed = async () => {
    assert.equal(closings.length, opened, 'each session is closed once');
    await assertCloses(Promise.all(closings));
  };
  return { engine: watched, requests, assertClosed };
}

async function assertCloses(closing: Promise<unknown>): Promise<void> {
  try {
    await closing;
  } catch (error) {
    if (error instanceof assert.AssertionError) throw error;
    assert.fail(`close() rejected: ${error}`);
  }
}

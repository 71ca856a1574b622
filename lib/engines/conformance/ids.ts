/** The cases about the ids: which one a run has, and where that id must appear. */
import assert from 'node:assert/strict';
import { getSessionId, withSessionId } from '../../session/session.js';
import type { AgentMessage } from '../../shared/messages.js';
import { run } from '../run.js';
import {
  ask,
  assertSpans,
  type ConformanceCase,
  type ConformanceSubject,
  collect,
  watch,
} from './subject.js';

export function idCases(subject: ConformanceSubject): ConformanceCase[] {
  const { engine } = subject;
  return [
    {
      name: "goes by the platform's id when there is one, and keeps its own beside it",
      async test() {
        const result = await run(engine(), { ...ask('Hello'), sessionId: 'platform-1' }).result;
        assert.equal(result.sessionId, 'platform-1');
        assert.notEqual(result.engineSessionId, 'platform-1');
        assertSpans(subject, result.traceId, 'platform-1');
      },
    },
    {
      name: 'goes by the id of the active session when the request has none',
      async test() {
        const result = await withSessionId('active-1', () => run(engine(), ask('Hello')).result);
        assert.equal(result.sessionId, 'active-1');
        assertSpans(subject, result.traceId, 'active-1');
      },
    },
    ...[undefined, null, '', ' \t'].map((sessionId) => ({
      name: `goes by its own id when the platform's is ${JSON.stringify(sessionId) ?? 'undefined'}`,
      async test() {
        const result = await run(engine(), { ...ask('Hello'), sessionId }).result;
        assert.equal(result.sessionId, result.engineSessionId);
        assert.notEqual(result.sessionId.trim(), '');
        assertSpans(subject, result.traceId, result.sessionId);
      },
    })),
    {
      name: 'gives a session without an id its own',
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
        const [start, ...others] = await collect(running);
        const result = await running.result;
        assert.ok(start?.type === 'run.start', 'run.start is the first event');
        assert.equal(start.session_id, 'one-id');
        assert.equal(start.trace_id, result.traceId);
        assert.equal(result.sessionId, 'one-id');
        assertSpans(subject, result.traceId, 'one-id');
        assert.equal(others.at(-1)?.type, 'run.end', 'run.end is the last event');
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
      name: 'continues a conversation under the id of its first turn',
      async test() {
        const shared = engine();
        const first = await run(shared, ask('Hello')).result;
        const question: AgentMessage = { role: 'user', content: 'And then?' };
        const messages = [...first.messages, question];
        const second = await run(shared, { messages, sessionId: first.sessionId }).result;
        assert.equal(second.sessionId, first.sessionId);
        assert.deepEqual(second.messages.slice(0, -1), messages);
        assertSpans(subject, second.traceId, first.sessionId);
      },
    },
    interleaved(subject),
  ];
}

function interleaved(subject: ConformanceSubject): ConformanceCase {
  return {
    name: 'keeps two interleaved conversations apart',
    async test() {
      const shared = subject.engine();
      const texts = ['first-question', 'second-question'];
      const runs = texts.map((text) => run(shared, { ...ask(text), sessionId: `of-${text}` }));
      await Promise.all(runs.map(collect));
      const results = await Promise.all(runs.map((running) => running.result));
      for (const [i, text] of texts.entries()) {
        const result = results[i] as (typeof results)[number];
        assert.equal(result.sessionId, `of-${text}`);
        assert.deepEqual(result.messages.slice(0, -1), ask(text).messages);
        assertSpans(subject, result.traceId, `of-${text}`);
        if (subject.quotes) assert.match(result.output, new RegExp(text));
      }
      assert.notEqual(results[0]?.engineSessionId, results[1]?.engineSessionId);
    },
  };
}

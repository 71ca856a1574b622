/** The cases about the end: an engine's session is closed on every way out of a run. */
import assert from 'node:assert/strict';
import { run } from '../run.js';
import { ask, type ConformanceCase, type ConformanceSubject, collect, watch } from './subject.js';

export function endCases({ engine, failingEngine }: ConformanceSubject): ConformanceCase[] {
  return [
    {
      name: 'is closed once, without a failure, after a run that succeeds',
      async test() {
        const watched = watch(engine());
        await run(watched.engine, ask('Hello')).result;
        await watched.assertClosed();
      },
    },
    {
      name: 'is closed once after a run that fails, which has the code ENGINE_FAILED',
      async test() {
        const watched = watch(failingEngine());
        await assert.rejects(async () => run(watched.engine, ask('Hello')).result, {
          code: 'ENGINE_FAILED',
        });
        await watched.assertClosed();
      },
    },
    {
      name: 'is closed once when the signal aborts in the middle',
      async test() {
        const watched = watch(engine());
        const controller = new AbortController();
        const running = run(watched.engine, ask('Hello'), { signal: controller.signal });
        const read = async () => {
          for await (const { type } of running) if (type === 'message.delta') controller.abort();
        };
        await assert.rejects(read, { name: 'AbortError' });
        await assert.rejects(async () => running.result, { name: 'AbortError' });
        await watched.assertClosed();
      },
    },
    {
      name: 'is closed once when the consumer stops early',
      async test() {
        const watched = watch(engine());
        const running = run(watched.engine, ask('Hello'));
        for await (const event of running) if (event.type === 'message.delta') break;
        await watched.assertClosed();
        await assert.rejects(async () => running.result, { name: 'AbortError' });
      },
    },
    {
      name: 'does not answer under a signal that has aborted',
      async test() {
        const watched = watch(engine());
        // Not by `run()`, which does not open an engine then: the signal may abort while one opens.
        const answer = async () => {
          const session = await watched.engine.open(ask('Hello'), AbortSignal.abort());
          try {
            await collect(session.prompt(ask('Hello')));
          } finally {
            await session.close();
          }
        };
        await assert.rejects(answer, { name: 'AbortError' }, 'the engine answered');
        await watched.assertClosed();
      },
    },
  ];
}

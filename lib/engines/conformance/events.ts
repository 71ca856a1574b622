/** The cases about the events that an engine's session sends, before `run()` makes anything of them. */
import assert from 'node:assert/strict';
import { setTimeout } from 'node:timers/promises';
import type { AgentEvent } from '../../shared/run-events.js';
import { checkEvent, EVENT_TYPES } from '../event-check.js';
import { run } from '../run.js';
import { ask, type ConformanceCase, type ConformanceSubject, collect } from './subject.js';

/** `run()` makes the one, a reader of kept events the other. */
const NOT_OF_ENGINES: readonly AgentEvent['type'][] = ['run.start', 'events.dropped'];

/** As long as a run waits for an engine that has said all. */
const END_MS = 5_000;

export function eventCases({ engine }: ConformanceSubject): ConformanceCase[] {
  // Read once for all cases: an engine may take its time to open.
  let reading: ReturnType<typeof answerOf> | undefined;
  const readAnswer = () => {
    reading ??= answerOf(engine());
    return reading;
  };
  const read = async () => (await readAnswer()).events;
  const assertValid = async (isMeant: (type: unknown) => boolean) => {
    const events = await read();
    for (const event of events.filter((sent) => isMeant(sent?.type))) {
      assert.doesNotThrow(() => checkEvent(event, 'The engine'));
    }
  };
  const isKnown = (type: unknown) => EVENT_TYPES.some((known) => known === type);
  return [
    {
      name: 'sends no event but those of the vocabulary',
      test: () => assertValid((type) => !isKnown(type)),
    },
    ...EVENT_TYPES.filter((type) => !NOT_OF_ENGINES.includes(type)).map((type) => ({
      name: `sends each ${type} with the members that it must have`,
      test: () => assertValid((sent) => sent === type),
    })),
    {
      name: 'leaves run.start to run()',
      async test() {
        const types = (await read()).map((event) => event?.type);
        assert.ok(!types.includes('run.start'), 'the session sent run.start');
      },
    },
    {
      name: 'ends its answer with run.end, which has the reason',
      async test() {
        const { events, isOver } = await readAnswer();
        const types = events.map((event) => event?.type);
        assert.equal(types.indexOf('run.end'), types.length - 1, 'run.end is the last event');
        assert.ok(isOver, `the answer is over within ${END_MS} ms of run.end`);
      },
    },
    {
      name: 'asks for the approval of a call that it has told, and ends with the reason approval',
      async test() {
        const events = await read();
        const at = events.findIndex((event) => event?.type === 'tool.approval');
        const asked = events[at];
        if (asked?.type !== 'tool.approval') return;
        const isCall = (event: AgentEvent) => event.type === 'tool.call' && event.id === asked.id;
        assert.ok(events.slice(0, at).some(isCall), 'tool.approval comes after its tool.call');
        const end = events.at(-1);
        assert.equal(end?.type === 'run.end' && end.stop_reason, 'approval');
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
        const { role, content } = messages.at(-1) ?? {};
        assert.equal(role, 'assistant');
        const parts = typeof content === 'string' ? [{ text: content }] : (content ?? []);
        const texts = parts.map((part) => ('text' in part ? part.text : ''));
        assert.equal(texts.join(''), output, "the last message has the answer's text");
      },
    },
  ];
}

/** All that an engine sends; `run()` itself reads no further than to `run.end`. */
async function answerOf(engine: ReturnType<ConformanceSubject['engine']>) {
  const session = await engine.open(ask('Hello'), new AbortController().signal);
  const events: AgentEvent[] = [];
  try {
    const iterator = session.prompt(ask('Hello'))[Symbol.asyncIterator]();
    for (let event: AgentEvent | undefined; ; ) {
      const next = iterator.next();
      const late = () => setTimeout(END_MS, undefined, { ref: false });
      const step = await (event?.type === 'run.end' ? Promise.race([next, late()]) : next);
      if (step === undefined || step.done) return { events, isOver: step !== undefined };
      event = step.value;
      events.push(event);
    }
  } finally {
    // How it closes is the matter of other cases.
    await Promise.resolve(session.close?.()).catch(() => undefined);
  }
}

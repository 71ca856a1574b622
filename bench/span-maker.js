/** Makes spans in a session under one span processor, in a process of its own: `node span-maker.js VARIANT BUILD`. */
import { answer, cpu } from './child-process.js';
import { requireOthers } from './packages.js';
import { register } from './tracing.js';

const [variant, build] = process.argv.slice(2);
const { lib, api } = await register(variant, build);
const { context, propagation, trace } = api;
const ID = 'conversation-0123456789';

/** Runs `fn` in the session, as each of them keeps it. */
const SESSIONS = {
  none: (fn) => fn(),
  ours: (fn) => lib.withSessionId(ID, fn),
  langfuse: (fn) => requireOthers('@langfuse/tracing').propagateAttributes({ sessionId: ID }, fn),
  baggage: (fn) => {
    const baggage = propagation.createBaggage({ 'session.id': { value: ID } });
    return context.with(propagation.setBaggage(context.active(), baggage), fn);
  },
};
const tracer = trace.getTracer('bench');

answer(
  {},
  {
    /** Makes spans; returns the CPU of one in microseconds, what it leaves to be done later included. */
    async spans(count) {
      const before = cpu();
      SESSIONS[variant](() => {
        for (let i = 0; i < count; i++) tracer.startSpan('step').end();
      });
      await new Promise(setImmediate);
      return (cpu() - before) / count;
    },
  },
);

/** Stands in for an engine: an in-process function that works in steps, each in a span of its own. */
import { setTimeout as delay } from 'node:timers/promises';
import { SpanStatusCode, trace } from '@opentelemetry/api';

const tracer = trace.getTracer('demo-agent');

/** Answers word by word. Stops as soon as `signal` aborts. */
export async function* answer({ question = 'Hello?' }, signal) {
  const words = `You asked: ${question} The id of this conversation is on every span.`.split(' ');
  const agent = tracer.startSpan('invoke_agent demo');
  try {
    for (const word of words) {
      const step = tracer.startSpan('chat demo-model');
      await delay(150, undefined, { signal }).finally(() => step.end());
      yield `${word} `;
    }
  } catch (error) {
    agent.setStatus({ code: SpanStatusCode.ERROR, message: error.name });
    if (signal.aborted) console.log('abort the client left; the agent has stopped');
    throw error;
  } finally {
    agent.end();
  }
}

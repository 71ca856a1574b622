// Code that sets a session of its own by Langfuse: the platform's id stays on the spans, the other is kept beside it.
import { propagateAttributes, startActiveObservation } from '@langfuse/tracing';

export function answer(prompt, thread) {
  return propagateAttributes({ sessionId: thread }, () =>
    startActiveObservation('answer', async (span) => {
      span.update({ input: prompt });
      return `re: ${prompt}`;
    }),
  );
}

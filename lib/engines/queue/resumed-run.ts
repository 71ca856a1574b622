/** A run that is kept goes in; an `AgentRun` comes out that reads it from its start: nothing runs again, and no span is made. */
import type { AgentRun } from '../../shared/agent-run.js';
import type { AgentEvent } from '../../shared/run-events.js';
import { createRun, type RunControl } from '../lazy-run.js';
import { createTranscript } from '../transcript.js';
import { onAbort } from '../waiting.js';
import { type ReadOptions, readEvents, readStart } from './run-reader.js';
import { isLast, START_ID, toClientStart } from './stored-event.js';

/** The `messages` of the result are the answer alone: the conversation went with its job. */
export const readRun = (reading: ReadOptions): AgentRun =>
  createRun((control) => read(reading, control));

async function* read(
  reading: ReadOptions,
  { stop, resolve, reject }: RunControl,
): AsyncGenerator<AgentEvent, void> {
  const unfollow = onAbort(stop.signal, reading.news.stop);
  try {
    const { engineSessionId, model, ...stored } = await readStart(reading);
    const start = toClientStart({ engineSessionId, ...stored }, reading.runId);
    const { session_id: sessionId, trace_id: traceId, engine } = start;
    const transcript = createTranscript({ messages: [] });
    yield start;
    for await (const event of readEvents(reading, Number(START_ID))) {
      transcript.add(event);
      if (isLast(event)) {
        resolve({ sessionId, engineSessionId, traceId, engine, model, ...transcript.result() });
      }
      yield event;
    }
    // Its client has left: who awaits the result must not wait for ever. One that is there stays.
    reject(new DOMException('The reader of the run has stopped', 'AbortError'));
  } catch (error) {
    reject(error);
    throw error;
  } finally {
    unfollow();
  }
}

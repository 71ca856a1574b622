/** A run that is kept goes in; an `AgentRun` comes out that reads it from its start: nothing runs again, and no span is made. */
import type { AgentRun } from '../../shared/agent-run.js';
import type { AgentEvent } from '../../shared/run-events.js';
import { createRun, type RunControl } from '../lazy-run.js';
import { createTranscript } from '../transcript.js';
import { onAbort } from '../waiting.js';
import type { KeptReading } from './kept-runs.js';
import { readEvents, readStart } from './run-reader.js';
import { isLast, START_ID, toClientStart, unstarted } from './stored-event.js';

/** The `messages` of the result are the answer alone: the conversation went with its job. */
export const readRun = (reading: KeptReading): AgentRun =>
  createRun((control) => read(reading, control));

async function* read(
  reading: KeptReading,
  { stop, resolve, reject }: RunControl,
): AsyncGenerator<AgentEvent, void> {
  const unfollow = onAbort(stop.signal, reading.news.stop);
  try {
    const stored = (await readStart(reading)) ?? unstarted(reading.sessionId);
    const { engineSessionId, model } = stored;
    const start = toClientStart(stored, reading.runId);
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

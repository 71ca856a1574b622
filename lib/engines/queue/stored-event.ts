/** Events of a run, and what it failed with, go in as text and come out again: what stands in the stream. */
import {
  EnvelopeError,
  ERROR_CATALOGUE,
  type ErrorCode,
  type ErrorDetail,
  isErrorStatus,
} from '../../shared/errors.js';
import { isJsonObject, type JsonObject } from '../../shared/json.js';
import { type AgentEvent, type RunStartEvent, withEventId } from '../../shared/run-events.js';
import { engineFailed, toEngineError } from '../engine-error.js';
import { checkEvent } from '../event-check.js';

const WORKER = 'The worker';

/** The id of `run.start`, which stands before the stream: event number 1 comes after it. */
export const START_ID = '0';

/** What the gateway must know of the engine's session, and the run's first event. */
export interface StoredStart {
  readonly event: RunStartEvent;
  readonly engineSessionId: string;
  readonly model?: string | undefined;
  readonly provider?: string | undefined;
}

/** The start of a run that was over before a worker began it: a client needs to know what has ended. */
export const unstarted = (sessionId: string): StoredStart => ({
  event: { type: 'run.start', session_id: sessionId, engine: 'queue' },
  engineSessionId: '',
});

/** @throws {@link EnvelopeError} `ENGINE_FAILED` for what a worker of another version may have written */
export function parseStart(text: string): StoredStart {
  const start = parseJson(text);
  if (!isJsonObject(start) || typeof start.engineSessionId !== 'string') {
    throw engineFailed(`${WORKER} wrote a start that this version does not know`);
  }
  checkEvent(start.event, WORKER);
  return start as unknown as StoredStart;
}

/** `run.start` as clients see it: the gateway's engine is the queue. */
export function toClientStart({ event }: StoredStart, runId: string): RunStartEvent {
  return withEventId({ ...event, engine: 'queue', run_id: runId }, START_ID);
}

/** A failure as the last event. An error's message tells no value and no text of the conversation; its cause stays here. */
export function storedFailure(error: unknown): string {
  const { code, status, message, errors } = toEngineError('worker', error);
  return JSON.stringify({ type: 'error', error: { code, status, detail: message, errors } });
}

/** How the events of a run end that was cancelled: with no failure. */
export const CANCELLED = JSON.stringify({ type: 'run.end', stop_reason: 'cancelled' });

/** Whether the run is over with this event. */
export const isLast = (event: AgentEvent): boolean => event.type === 'run.end';

/**
 * @param number - its place in the stream
 * @throws {@link EnvelopeError} the failure that ended the run; `ENGINE_FAILED` for an event that this version does not know
 */
export function parseEvent(text: string, number: number): AgentEvent {
  const event = parseJson(text);
  if (isJsonObject(event) && event.type === 'error' && isJsonObject(event.error)) {
    throw withEventId(toError(event.error), String(number));
  }
  return withEventId(checkEvent(event, WORKER), String(number));
}

/** Another version's codes may be unknown here. */
function toError({ code, status, detail, errors }: JsonObject): EnvelopeError {
  const known = Object.hasOwn(ERROR_CATALOGUE, String(code)) ? (code as ErrorCode) : undefined;
  return new EnvelopeError(known ?? 'ENGINE_FAILED', String(detail), {
    status: isErrorStatus(status) ? status : undefined,
    errors: Array.isArray(errors) ? (errors as ErrorDetail[]) : undefined,
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** An engine and a request go in, a run comes out. */
import type { Context } from '@opentelemetry/api';
import { contextWithSlot, runInSlot, type SessionSlot } from '../session/slot.js';
import { activeContext } from '../session/tracing.js';
import type { AgentRun } from '../shared/agent-run.js';
import { configError } from '../shared/errors.js';
import { gapError } from '../shared/gap-error.js';
import { type Parsers, parseConfiguration } from '../shared/option-parsing.js';
import { type AgentEvent, eventIdOf, withEventId } from '../shared/run-events.js';
import type { AgentEngine, AgentRunRequest, EngineRequest, EngineSession } from './engine.js';
import { toEngineError } from './engine-error.js';
import { createRunningSession } from './engine-session.js';
import { createRun, type RunControl } from './lazy-run.js';
import { checkEngine, parseRequest } from './run-request.js';
import { idOfRun, sessionOfRun } from './run-session.js';
import { RunSpans } from './run-spans.js';
import { createTranscript } from './transcript.js';
import { follow, onAbort } from './waiting.js';

/** How a run is made. */
export interface RunOptions {
  /** Ends the run early: the engine's session is closed, and the run fails with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Put messages, tool arguments and tool results onto spans. They are what people typed: leave it off where more people
   * read traces than may read conversations.
   * @defaultValue `false`
   */
  readonly captureContent?: boolean | undefined;
}

/** The options, complete. */
interface RunConfiguration {
  readonly signal: AbortSignal | undefined;
  readonly captureContent: boolean;
}

const OPTIONS: Parsers<RunConfiguration> = {
  signal: (value) => {
    if (value === undefined || value instanceof AbortSignal) return value;
    throw configError('run: signal', 'must be an AbortSignal', value);
  },
  captureContent: (value = false) => {
    if (typeof value === 'boolean') return value;
    throw configError('run: captureContent', 'must be true or false', value);
  },
};

/**
 * Runs an engine. The id is resolved once, by `resolveRunSessionId()`; the spans, the `run.start` event and the result
 * all carry that one value. Without `request.sessionId` the active session's id is used; without that, the engine's own,
 * which then becomes the id of the active request, so that the reply carries the id to the client.
 *
 * @param engine - what answers
 * @param request - the conversation, and perhaps its id
 * @param options - see {@link RunOptions}
 * @returns a run: iterate it, await its `result`, or return it from a bound handler
 * @throws TypeError at once, for what is no engine, an unknown option or member, one of the wrong type, a session id that breaks its rule
 * @throws {@link index!EnvelopeError | EnvelopeError} at once: `INVALID_INPUT` (422) for messages that are none, or do not end with the user's,
 * or have a part that the engine cannot take; `errors` has the place
 * @throws {@link index!EnvelopeError | EnvelopeError} from the run: `ENGINE_FAILED` (502; 504 for a timeout), with the engine's error as its
 * `cause`. When `options.signal` aborts, the run fails with the signal's reason instead.
 * @example
 * ```ts
 * app.post('/chat', bind({ inputs: conversation }, ({ inputs }, { signal }) =>
 *   run(pi({ model: 'faux' }), { messages: inputs.messages }, { signal })));
 * ```
 */
export function run(engine: AgentEngine, request: AgentRunRequest, options?: RunOptions): AgentRun {
  checkEngine(engine);
  const { sessionId, messages, model, parameters } = parseRequest(engine, request);
  // Own members, also where there is none: an engine would read one from a polluted prototype.
  const engineRequest = { messages, model, parameters };
  const configuration = parseConfiguration('run: options', OPTIONS, options);
  const surroundings = { slot: sessionOfRun(sessionId), base: activeContext(), ...configuration };
  return createRun((control) => drive(engine, engineRequest, surroundings, control));
}

/** What a run is part of, and how it is made. */
interface Surroundings extends RunConfiguration {
  readonly slot: SessionSlot;
  /** The context that `run()` was called in. */
  readonly base: Context;
}

async function* drive(
  engine: AgentEngine,
  request: EngineRequest,
  surroundings: Surroundings,
  control: RunControl,
): AsyncGenerator<AgentEvent, void> {
  const { slot, base } = surroundings;
  const { stop, resolve, reject } = control;
  const { signal } = stop;
  const { spans, transcript, session } = begin(engine, request, surroundings, control);
  const unfollow = follow(stop, surroundings.signal);
  let failure: unknown;
  // React at once: a consumer that is stuck may never pull again. Close the session before rejecting, so nothing is open once
  // the caller sees the end. A failure takes this way, too, by the abort in `finally`.
  onAbort(signal, () => {
    session.close().then(() => reject(failure ?? signal.reason));
  });
  try {
    const opened = await session.open();
    const ids = { sessionId: idOfRun(slot, opened.id, base), engineSessionId: opened.id };
    const model = opened.model ?? request.model;
    spans.setIds(slot, opened.id);
    spans.setModel(model, opened.provider);
    const { traceId } = spans;
    yield startEvent(engine, opened, ids.sessionId, traceId);
    let endId: string | undefined;
    for await (const event of session.events()) {
      transcript.add(event);
      if (event.type === 'run.end') endId = eventIdOf(event);
      // A run starts and ends once, whatever the engine says of it.
      if (event.type === 'run.start' || event.type === 'run.end') continue;
      spans.onEvent(event);
      yield event;
    }
    await session.close();
    const result = { ...ids, traceId, engine: engine.name, model, ...transcript.result() };
    spans.end(result);
    // A stream tells the gap in its place; in a value, and in the next turn's messages, it would not be seen.
    if (transcript.dropped > 0) reject(gapError(transcript.dropped));
    else resolve(result);
    yield withEventId({ type: 'run.end', stop_reason: result.stopReason }, endId);
  } catch (error) {
    failure = signal.aborted ? signal.reason : toEngineError(engine.name, error);
    spans.end({ error: failure });
    throw failure;
  } finally {
    unfollow();
    stop.abort();
    await session.close();
    spans.end({ stopReason: 'cancelled' });
    // The `onAbort` callback above has rejected by now; a second rejection has no effect.
    if (failure !== undefined) reject(failure);
  }
}

/** The engine and the messages may be others by now than `run()` has checked: what they throw here must end the run, too. */
function begin(
  engine: AgentEngine,
  request: EngineRequest,
  { slot, base, captureContent }: Surroundings,
  { stop, reject }: RunControl,
) {
  try {
    const transcript = createTranscript(request, engine.accepts);
    const spans = new RunSpans(engine, request, contextWithSlot(slot, base), captureContent);
    // The engine's code runs in the session and under the run's span, no matter which code pulls the events.
    const inRun = <T>(code: () => T): T => runInSlot(slot, spans.context, code);
    const session = createRunningSession(engine, request, stop.signal, inRun);
    return { spans, transcript, session };
  } catch (error) {
    const failure = toEngineError(engine.name, error);
    reject(failure);
    throw failure;
  }
}

function startEvent(
  { name }: AgentEngine,
  { resumable }: EngineSession,
  sessionId: string,
  traceId: string | undefined,
): AgentEvent {
  const start: AgentEvent = {
    type: 'run.start',
    session_id: sessionId,
    ...(traceId !== undefined && { trace_id: traceId }),
    engine: name,
    ...(resumable && { run_id: resumable.runId }),
  };
  return withEventId(start, resumable?.startId);
}

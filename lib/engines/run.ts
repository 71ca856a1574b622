/** An engine and a request go in, a run comes out. The one place where a run's id is resolved. */
import { type Context, context, diag } from '@opentelemetry/api';
import { isAbsent } from '../request/field.js';
import { SESSION_FIELD } from '../request/field-list.js';
import { stampOpenSpans } from '../session/request-span.js';
import { resolveRunSessionId } from '../session/run-session-id.js';
import {
  activeSlot,
  adoptSessionId,
  contextWithSlot,
  deriveSlot,
  runInSlot,
  type SessionSlot,
} from '../session/slot.js';
import { configError, EnvelopeError } from '../shared/errors.js';
import { type Parsers, parseConfiguration } from '../shared/option-parsing.js';
import type { AgentEvent, AgentRun } from '../shared/run-events.js';
import type { AgentEngine, AgentRunRequest, EngineRequest, EngineSession } from './engine.js';
import { createRun, type RunControl } from './lazy-run.js';
import { checkEngine, parseRequest } from './run-request.js';
import { openRunSpans } from './run-spans.js';
import { createTranscript } from './transcript.js';
import { follow, orAborted } from './waiting.js';

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

const OPTIONS: Parsers<Pick<Scene, 'signal' | 'captureContent'>> = {
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
 * Runs an engine. The id is resolved once, by {@link resolveRunSessionId}; the spans, the `run.start` event and the result
 * all carry that one value. Without `request.sessionId` the active session's id is used; without that, the engine's own,
 * which then becomes the id of the active request, so that its reply tells the client.
 *
 * @param engine - what answers
 * @param request - the conversation, and perhaps its id
 * @param options - see {@link RunOptions}
 * @returns a run: iterate it, await its `result`, or return it from a bound handler
 * @throws TypeError at once, for what is no engine, an unknown option or member, a session id that breaks its rule
 * @throws {@link index!EnvelopeError | EnvelopeError} at once: `INVALID_INPUT` (422) for messages that are none, or do not end with the user's
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
  const { sessionId, ...engineRequest } = parseRequest(request);
  const { signal, captureContent } = parseConfiguration('run: options', OPTIONS, options);
  const slot = slotOf(sessionId, activeSlot());
  const scene = { slot, base: context.active(), signal, captureContent };
  return createRun((control) => drive(engine, engineRequest, scene, control));
}

/** The active request's own slot, which may take an id yet; another one only for a run that names another conversation. */
function slotOf(
  sessionId: string | null | undefined,
  active: SessionSlot | undefined,
): SessionSlot {
  if (isAbsent(sessionId)) return active ?? deriveSlot(null, undefined);
  const named = deriveSlot(sessionId, active);
  const activeId = active?.fields.session_id;
  if (active === undefined || (activeId !== undefined && activeId !== sessionId)) return named;
  adoptSessionId(active, sessionId as string);
  stampOpenSpans(active);
  return active;
}

interface Scene {
  readonly slot: SessionSlot;
  readonly base: Context;
  readonly signal: AbortSignal | undefined;
  readonly captureContent: boolean;
}

async function* drive(
  engine: AgentEngine,
  request: EngineRequest,
  { slot, base, signal: outer, captureContent }: Scene,
  { stop, resolve, reject }: RunControl,
): AsyncGenerator<AgentEvent> {
  const unfollow = follow(stop, outer);
  const { signal } = stop;
  const spans = openRunSpans(engine, request, contextWithSlot(slot, base), captureContent);
  const transcript = createTranscript(request);
  // The engine's code runs in the session and under the run's span, whoever pulls the events, and from where.
  const inRun = <T>(fn: () => T): T => runInSlot(slot, spans.context, fn);
  let session: EngineSession | undefined;
  let source: AsyncIterator<AgentEvent> | undefined;
  let closing: Promise<void> | undefined;
  let failure: unknown;
  const close = async () => {
    if (session !== undefined) closing ??= inRun(() => release(engine, session, source));
    await closing;
  };
  // At once: a consumer that is stuck may never pull again. And first of all: whoever learns of the end may count on it that
  // nothing is left open. It also runs behind a failure, by the abort in `finally`.
  const abort = () => close().then(() => reject(failure ?? signal.reason));
  signal.addEventListener('abort', abort, { once: true });
  try {
    signal.throwIfAborted();
    const opening = inRun(() => engine.open(request, signal));
    const opened = await openSession(opening, signal);
    session = opened;
    const ids = { sessionId: settle(slot, base, opened.id), engineSessionId: opened.id };
    spans.settle(ids);
    const model = opened.model ?? request.model;
    spans.know({ model, provider: opened.provider });
    const { traceId } = spans;
    yield {
      type: 'run.start',
      session_id: ids.sessionId,
      ...(traceId !== undefined && { trace_id: traceId }),
      engine: engine.name,
    };

    const events = inRun(() => opened.prompt(request)[Symbol.asyncIterator]());
    source = events;
    for (;;) {
      const pulled = inRun(() => events.next());
      const step = await orAborted(pulled, signal);
      if (step.done === true) break;
      transcript.add(step.value);
      // A run starts and ends once, whatever the engine says of it.
      if (step.value.type === 'run.start' || step.value.type === 'run.end') continue;
      spans.event(step.value);
      yield step.value;
    }
    source = undefined;
    await close();
    const result = { ...ids, traceId, engine: engine.name, model, ...transcript.result() };
    spans.end(result);
    resolve(result);
    yield { type: 'run.end', stop_reason: result.stopReason };
  } catch (error) {
    failure = signal.aborted ? signal.reason : toEngineError(engine, error);
    spans.end({ error: failure });
    throw failure;
  } finally {
    unfollow();
    stop.abort();
    await close();
    spans.end({ stopReason: 'cancelled' });
    // Where the signal was aborted from the start, nothing else does it.
    if (failure !== undefined) reject(failure);
  }
}

/** Lets go of an engine's session, and of its events where they did not come to their end. */
async function release(
  engine: AgentEngine,
  session: EngineSession | undefined,
  source: AsyncIterator<AgentEvent> | undefined,
): Promise<void> {
  // Not waited for: in the middle of a step it would only return behind that.
  Promise.resolve(source)
    .then((events) => events?.return?.())
    .catch(() => undefined);
  try {
    await session?.close();
  } catch (error) {
    // The answer is complete, or a failure is already on its way: neither gives way to this.
    diag.error(`express-agent-envelope: the engine "${engine.name}" failed to close`, error);
  }
}

/** An engine that opens too late, behind an abort, is closed all the same. */
async function openSession(
  opening: Promise<EngineSession>,
  signal: AbortSignal,
): Promise<EngineSession> {
  try {
    return await orAborted(opening, signal);
  } catch (error) {
    opening.then((session) => session.close()).catch(() => undefined);
    throw error;
  }
}

/** Resolves the run's id, and lets the active request learn it: its reply, its server span, and what starts from now on. */
function settle(slot: SessionSlot, base: Context, engineSessionId: string): string {
  const [broken] = SESSION_FIELD.check(engineSessionId) ?? [];
  if (broken !== undefined) {
    throw new EnvelopeError('ENGINE_FAILED', `The id of the engine's session ${broken.detail}`);
  }
  const platformId = slot.fields.session_id as string | undefined;
  const sessionId = resolveRunSessionId({ sessionId: platformId }, engineSessionId);
  // A run that names another conversation than the request's has its own slot: the request's spans are not its own.
  if (platformId === undefined) {
    adoptSessionId(slot, sessionId);
    stampOpenSpans(slot, base);
  }
  return sessionId;
}

function toEngineError(engine: AgentEngine, error: unknown): unknown {
  if (error instanceof EnvelopeError) return error;
  return new EnvelopeError('ENGINE_FAILED', `The engine "${engine.name}" failed`, { cause: error });
}

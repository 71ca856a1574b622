/** An engine and a request go in, a run comes out. The one place where a run's id is resolved. */
import { type Context, context, diag } from '@opentelemetry/api';
import { SESSION_FIELD } from '../allowlist.js';
import {
  activeSlot,
  contextOf,
  deriveSlot,
  runInSlot,
  type SessionSlot,
  settleSessionId,
} from '../context.js';
import { EnvelopeError } from '../errors.js';
import { isAbsent } from '../field.js';
import { resolveRunSessionId } from '../resolve.js';
import type { AgentEvent, AgentRun } from '../run.js';
import { stampOpenSpans } from '../span.js';
import { follow, orAborted } from './abort.js';
import { createRun, type RunControl } from './agent-run.js';
import type { AgentEngine, AgentRunRequest, EngineRequest, EngineSession } from './engine.js';
import { checkMessages } from './messages.js';
import { openRunSpans } from './spans.js';
import { createTranscript } from './transcript.js';

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

/**
 * Runs an engine. The id is resolved once, by {@link resolveRunSessionId}; the spans, the `run.start` event and the result
 * all carry that one value. Without `request.sessionId` the active session's id is used; without that, the engine's own,
 * which then becomes the id of the active request, so that its reply tells the client.
 *
 * @param engine - what answers
 * @param request - the conversation, and perhaps its id
 * @param options - see {@link RunOptions}
 * @returns a run: iterate it, await its `result`, or return it from a bound handler
 * @throws TypeError at once, for a session id that breaks the rule of `sessionId`
 * @throws {@link EnvelopeError} at once: `INVALID_INPUT` (422) for messages that are none, or do not end with the user's
 * @throws {@link EnvelopeError} from the run: `ENGINE_FAILED` (502; 504 for a timeout), with the engine's error as its
 * `cause`. When `options.signal` aborts, the run fails with the signal's reason instead.
 * @example
 * ```ts
 * app.post('/chat', bind(['inputs'], ({ inputs }, { signal }) =>
 *   run(pi({ model: 'faux' }), { messages: inputs.messages }, { signal })));
 * ```
 */
export function run(
  engine: AgentEngine,
  request: AgentRunRequest,
  options: RunOptions = {},
): AgentRun {
  const { sessionId, ...engineRequest } = request;
  checkMessages(engineRequest.messages);
  const slot = slotOf(sessionId, activeSlot());
  const base = context.active();
  return createRun((control) => drive(engine, engineRequest, options, { slot, base }, control));
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
  settleSessionId(active, sessionId);
  return active;
}

interface Scene {
  readonly slot: SessionSlot;
  readonly base: Context;
}

async function* drive(
  engine: AgentEngine,
  request: EngineRequest,
  options: RunOptions,
  { slot, base }: Scene,
  { stop, resolve, reject }: RunControl,
): AsyncGenerator<AgentEvent> {
  const unfollow = follow(stop, options.signal);
  const { signal } = stop;
  const spans = openRunSpans(
    engine,
    request,
    contextOf(slot, base),
    options.captureContent === true,
  );
  const transcript = createTranscript(request);
  // The engine's code runs in the session and under the run's span, whoever pulls the events, and from where.
  const inRun = <T>(fn: () => T): T => runInSlot(slot, spans.context, fn);
  let session: EngineSession | undefined;
  let source: AsyncIterator<AgentEvent> | undefined;
  const close = async () => {
    const closing = session;
    session = undefined;
    await closing?.close().catch((error) => {
      // The answer is complete, or a failure is already on its way: neither gives way to this.
      diag.error(`express-agent-envelope: the engine "${engine.name}" failed to close`, error);
    });
  };
  try {
    const opening = inRun(() => engine.open(request, signal));
    const opened = await openSession(opening, signal);
    session = opened;
    const ids = { sessionId: settle(slot, base, opened.id), engineSessionId: opened.id };
    spans.settle(ids);
    const model = opened.model ?? request.model;
    spans.know({ model, provider: opened.provider });
    const { traceId } = spans;
    yield { type: 'run.start', session_id: ids.sessionId, trace_id: traceId, engine: engine.name };

    const events = inRun(() => opened.prompt(request)[Symbol.asyncIterator]());
    source = events;
    for (;;) {
      const step = await orAborted(
        inRun(() => events.next()),
        signal,
      );
      if (step.done === true) break;
      transcript.add(step.value);
      // A run starts and ends once, whatever the engine says of it.
      if (step.value.type === 'run.start' || step.value.type === 'run.end') continue;
      spans.event(step.value);
      yield step.value;
    }
    await close();
    const result = { ...ids, traceId, engine: engine.name, model, ...transcript.result() };
    spans.end(result);
    resolve(result);
    yield { type: 'run.end', stop_reason: result.stopReason };
  } catch (error) {
    const failure = signal.aborted ? signal.reason : toEngineError(engine, error);
    spans.end({ error: failure });
    source?.return?.().catch(() => undefined);
    // Whoever learns of the end may count on it: nothing is left open.
    await close();
    reject(failure);
    throw failure;
  } finally {
    unfollow();
    stop.abort();
    source?.return?.().catch(() => undefined);
    await close();
    spans.end({ stopReason: 'cancelled' });
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
  settleSessionId(slot, sessionId);
  stampOpenSpans(slot, base);
  return sessionId;
}

function toEngineError(engine: AgentEngine, error: unknown): unknown {
  if (error instanceof EnvelopeError) return error;
  return new EnvelopeError('ENGINE_FAILED', `The engine "${engine.name}" failed`, { cause: error });
}

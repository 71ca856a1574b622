/** An engine and a request go in, the engine's session comes out: opened, read and closed, whatever the engine does. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { diag } from '@opentelemetry/api';
import { guardTracing } from '../session/tracing.js';
import { isJsonObject } from '../shared/json.js';
import type { AgentEvent } from '../shared/run-events.js';
import { disown, hasMember, readMember } from '../shared/thrown.js';
import type { AgentEngine, EngineRequest, EngineSession } from './engine.js';
import { engineFailed } from './engine-error.js';
import { checkEvent } from './event-check.js';
import { orAborted, within } from './waiting.js';

/** How long an engine may take to close. The answer is there by then, and must not wait for one that hangs. */
const CLOSE_MS = 5_000;

/**
 * Events that are taken from an engine before the event loop gets its turn, whoever reads the run: in an engine that never pauses,
 * neither a timeout would be noticed nor a client that leaves, and no other request would be answered.
 */
const TURN = 256;

/** The session of one run. An engine may forget a promise or throw where it should reject: both are handled here. */
export interface RunningSession {
  /** Opens the session. One that opens only after an abort is closed all the same. */
  open(): Promise<EngineSession>;
  /** Its events, each checked. */
  events(): AsyncGenerator<AgentEvent, void>;
  /** Closes the session, once; it never rejects. */
  close(): Promise<void>;
}

/**
 * @param signal - aborts when the run is to end early
 * @param inRun - runs the engine's code where it belongs: in the session, under the span of the run
 */
export function createRunningSession(
  engine: AgentEngine,
  request: EngineRequest,
  signal: AbortSignal,
  inRun: <T>(code: () => T) => T,
): RunningSession {
  const sender = `The engine "${engine.name}"`;
  let session: EngineSession | undefined;
  let unread: AsyncIterator<AgentEvent> | undefined;
  let closing: Promise<void> | undefined;
  const close = (opened: EngineSession | undefined) => finish(() => opened?.close(), sender);

  return {
    async open() {
      signal.throwIfAborted();
      const opening = inRun(async () => withoutPromises(await engine.open(request, signal)));
      try {
        session = await orAborted(opening, signal);
      } catch (error) {
        opening.then((late) => inRun(() => close(late))).catch(() => undefined);
        throw error;
      }
      if (typeof session?.prompt !== 'function') throw engineFailed(`${sender} opened no session`);
      const { model } = session;
      if (model !== undefined && model !== null && typeof model !== 'string') {
        throw engineFailed(`${sender} opened a session that is not valid: model must be a string`);
      }
      return session;
    },
    async *events() {
      const iterator = inRun(() => {
        const answer = session?.prompt(request);
        if (!hasMember(answer, Symbol.asyncIterator)) {
          disown(answer);
          throw engineFailed(`${sender} has a prompt() that gives no async iterable`);
        }
        return answer?.[Symbol.asyncIterator]();
      });
      unread = iterator;
      for (let taken = 1; ; taken += 1) {
        const step = await orAborted(
          inRun(async () => iterator?.next()),
          signal,
        );
        if (!isJsonObject(step)) throw engineFailed(`${sender} ended a step without a result`);
        if (step.done === true) break;
        const event = checkEvent(step.value, sender);
        yield event;
        if (event.type === 'run.end') {
          // Its `finally` is where a generator releases what it holds: that comes before `close()`.
          const returned = inRun(() => finish(() => iterator?.return?.(), sender));
          await orAborted(returned, signal);
          break;
        }
        if (taken % TURN === 0) await nextTurn();
      }
      unread = undefined;
    },
    async close() {
      if (session === undefined) return;
      closing ??= inRun(() => {
        // Do not await `return()`: in the middle of a step it would settle only after that step.
        Promise.resolve(unread)
          .then((events) => events?.return?.())
          .catch(() => undefined);
        return close(session);
      });
      await closing;
    },
  };
}

/** Where an engine owes a value, nobody awaits a promise: its rejection would end the process. */
function withoutPromises(session: EngineSession): EngineSession {
  disown(...['id', 'model', 'provider'].map((name) => readMember(session, name)));
  return session;
}

/** The last word of the engine. */
async function finish(work: () => unknown, sender: string): Promise<void> {
  try {
    await within(CLOSE_MS, (late) => orAborted(work(), late));
  } catch (error) {
    // The answer is complete, or a failure is already on its way: a close failure must not replace either.
    guardTracing(() => diag.error(`express-agent-envelope: ${sender} failed to close`, error));
  }
}

/** An engine that is another `agentEnvelope()` app: the same envelope goes there, its events come back as they happen. */
import { createContextKey, propagation } from '@opentelemetry/api';
import { getSessionId } from '../../session/session.js';
import { activeContext, guardTracing, withContext } from '../../session/tracing.js';
import { configError, EnvelopeError } from '../../shared/errors.js';
import {
  type Parsers,
  parseConfiguration,
  parseHttpUrl,
  parseTimeout,
} from '../../shared/option-parsing.js';
import type { AgentEvent, RunStartEvent } from '../../shared/run-events.js';
import type { AgentEngine, EngineRequest, EngineSession } from '../engine.js';
import { engineFailed, engineLate } from '../engine-error.js';
import { parseEventBytes } from '../response-body.js';
import { follow, orAborted, within } from '../waiting.js';
import { readEvents } from './events.js';

/** Where the runner is, and how long it may be silent. */
export interface RemoteOptions {
  /** URL of the runner's route, `http:` or `https:`. Its handler returns a run. */
  readonly url: string | URL;
  /** Replaces the global `fetch`: for a proxy, say, or credentials. @defaultValue `globalThis.fetch` */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /**
   * How long the runner may be silent, in milliseconds, before its first event and between two of them; 1 to 2,147,483,647.
   * Longer silence is an `ENGINE_FAILED` with status 504.
   * @defaultValue 60,000
   */
  readonly timeoutMs?: number | undefined;
  /**
   * The longest event that is read, in bytes of its line; 1 to 536,870,888. A longer one is an `ENGINE_FAILED` (502).
   * @defaultValue 16,777,216
   */
  readonly maxEventBytes?: number | undefined;
}

/** As `suppressTracing` of `@opentelemetry/core`: an instrumented `fetch` adds a second `traceparent`, and two are none. */
const SUPPRESS_TRACING = createContextKey('OpenTelemetry SDK Context Key SUPPRESS_TRACING');

interface RemoteConfiguration {
  readonly url: URL;
  readonly fetch: typeof globalThis.fetch;
  readonly timeoutMs: number;
  readonly maxEventBytes: number;
}

const PARSERS: Parsers<RemoteConfiguration> = {
  url: (value) => parseHttpUrl('remote: url', value),
  // The global one is looked up with each call: instrumentations and tests replace it.
  fetch: (value = (...args: Parameters<typeof fetch>) => globalThis.fetch(...args)) => {
    if (typeof value === 'function') return value as typeof globalThis.fetch;
    throw configError('remote: fetch', 'must be a function', value);
  },
  timeoutMs: (value = 60_000) => parseTimeout('remote: timeoutMs', value),
  maxEventBytes: (value) => parseEventBytes('remote: maxEventBytes', value),
};

/**
 * An engine over HTTP. The active session's id goes onto the envelope and W3C trace context into the headers, so that the
 * runner's spans belong to the same conversation and the same trace. A redirect is not followed: it would take the
 * conversation, its id and the caller's credentials to another host.
 *
 * @param options - see {@link RemoteOptions}
 * @throws TypeError at once, when an option is wrong
 * @throws {@link index!EnvelopeError | EnvelopeError} from the run: `INVALID_INPUT` (422) for messages that the runner cannot take
 * @throws {@link index!EnvelopeError | EnvelopeError} from the run: `ENGINE_FAILED`, 502 for a runner that is down, refuses,
 * redirects, fails, cuts its answer short or sends what is no event; 504 for one that is silent for too long
 * @example
 * ```ts
 * const engine = remote({ url: 'http://runner.internal:3001/run', timeoutMs: 30_000 });
 * app.post('/chat', bind({ inputs: conversation }, ({ inputs }, { signal }) => run(engine, { messages: inputs.messages }, { signal })));
 * ```
 * @see https://www.w3.org/TR/trace-context/
 */
export function remote(options: RemoteOptions): AgentEngine {
  const { url, fetch, timeoutMs, maxEventBytes } = parseConfiguration(
    'remote: options',
    PARSERS,
    options,
  );
  return {
    name: 'remote',
    accepts: ['image', 'file', 'tool.call', 'tool.result', 'tool.approval'],
    async open(request, signal) {
      const call = startCall(signal, timeoutMs);
      try {
        const response = await call.step(() => send(fetch, url, request, call.signal));
        const events = readEvents(response, request.messages, maxEventBytes);
        const first = await call.step(() => events.next());
        if (first.done === true || first.value.type !== 'run.start') {
          throw engineFailed('The runner did not start a run');
        }
        return sessionOf(first.value, events, call);
      } catch (error) {
        call.end();
        throw error;
      }
    },
  };
}

/** One call to the runner: every step of it is limited in time, and its end closes the connection. */
interface Call {
  readonly signal: AbortSignal;
  step<T>(take: () => Promise<T>): Promise<T>;
  end(): void;
}

function startCall(outer: AbortSignal, timeoutMs: number): Call {
  const controller = new AbortController();
  const unfollow = follow(controller, outer);
  const late = () => engineLate(`The runner was silent for more than ${timeoutMs} ms`);
  return {
    signal: controller.signal,
    async step(take) {
      try {
        const limit = { outer: controller.signal, late };
        return await within(timeoutMs, (signal) => orAborted(take(), signal), limit);
      } catch (error) {
        if (error instanceof EnvelopeError || error === controller.signal.reason) throw error;
        throw engineFailed('The runner cannot be reached', { cause: error });
      }
    },
    end() {
      unfollow();
      controller.abort();
    },
  };
}

function send(
  fetch: typeof globalThis.fetch,
  url: URL,
  { messages, model, parameters }: EngineRequest,
  signal: AbortSignal,
): Promise<Response> {
  const headers = { 'content-type': 'application/json', accept: 'application/x-ndjson' };
  const active = activeContext();
  guardTracing(() => propagation.inject(active, headers));
  const data = { inputs: { messages }, parameters: { ...parameters, ...(model && { model }) } };
  // Read from the context like the trace: the engine's request does not have it.
  const body = JSON.stringify({ session_id: getSessionId(), data });
  const init = { method: 'POST', headers, body, signal, redirect: 'manual' } as const;
  const quiet = active.setValue(SUPPRESS_TRACING, true);
  return withContext(quiet, () => fetch(url, init));
}

function sessionOf(
  start: RunStartEvent,
  events: AsyncGenerator<AgentEvent>,
  call: Call,
): EngineSession {
  return {
    id: start.session_id,
    async *prompt() {
      for (;;) {
        const step = await call.step(() => events.next());
        if (step.done === true) return;
        yield step.value;
      }
    },
    async close() {
      call.end();
    },
  };
}

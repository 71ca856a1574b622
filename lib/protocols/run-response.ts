/** A run goes in; a `Response` comes out that tells its events as a protocol does, in server-sent events. */
import { expressing } from '../reply/event-text.js';
import { escapeLineEnds } from '../reply/framing.js';
import { type Problem, toProblem } from '../reply/problem.js';
import { markProtocol } from '../reply/response.js';
import { HEARTBEAT_MS } from '../reply/stream.js';
import { getSessionId } from '../session/session.js';
import { type AgentRun, isAgentRun } from '../shared/agent-run.js';
import { configError } from '../shared/errors.js';
import { gapError } from '../shared/gap-error.js';
import type { AgentEvent } from '../shared/run-events.js';

/** How a protocol tells one run. */
export interface RunTeller {
  /** What there is to tell of an event, each as JSON. */
  readonly tell: (event: AgentEvent) => Iterable<object>;
  /** How the run failed. */
  readonly fail: (problem: Problem) => Iterable<object>;
  /** Frames after the last one, as they are. */
  readonly end?: string;
}

const HEADERS = {
  'content-type': 'text/event-stream',
  // Proxies and the compression middleware would hold events back.
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
};

/** A comment, which readers pass over: proxies close a connection that is silent. */
const HEARTBEAT = ':\n\n';

const SILENT = Symbol('silent');
const OVER = Symbol('the turn of the event loop is over');

/** In characters: a run that never pauses must not fill the memory, or keep other requests waiting. */
const MAX_CHUNK = 64 * 1024;

/**
 * Makes the response. The run starts when its body is first read, and is stopped when its reader leaves.
 *
 * @param place - the function that was called, for the error
 * @throws TypeError for what is no run
 */
export function toRunResponse(
  place: string,
  run: AgentRun,
  teller: RunTeller,
  headers?: Record<string, string>,
): Response {
  if (!isAgentRun(run)) throw configError(`${place}: run`, 'must be what run() returns', run);
  const state = { failure: undefined as unknown };
  const encoder = new TextEncoder();
  const iterator = run[Symbol.asyncIterator]();
  const next = tellingOf(iterator, teller, state);
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { text, last } = await next();
        if (text !== '') controller.enqueue(encoder.encode(text));
        if (last) controller.close();
      },
      async cancel() {
        await iterator.return?.();
      },
    },
    // The run starts when somebody reads, not when the response is made.
    { highWaterMark: 0 },
  );
  return markProtocol(new Response(body, { headers: { ...HEADERS, ...headers } }), state);
}

interface Told {
  readonly text: string;
  readonly last: boolean;
}

/** Returns a function that gives the next frames, at least one, or the last ones. */
function tellingOf(
  iterator: AsyncIterator<AgentEvent>,
  { tell, fail, end = '' }: RunTeller,
  state: { failure: unknown },
): () => Promise<Told> {
  let pending: Promise<IteratorResult<AgentEvent>> | undefined;
  // A heartbeat sends the headers: they wait for the id that the run's first event may bring.
  let beats = getSessionId() !== undefined;
  return async () => {
    let text = '';
    try {
      while (text.length < MAX_CHUNK) {
        pending ??= iterator.next();
        const step = await (text !== '' ? orTurn(pending) : beats ? orSilence(pending) : pending);
        if (step === OVER) break;
        if (step === SILENT) return { text: HEARTBEAT, last: false };
        pending = undefined;
        if (step.done) return { text: text + end, last: true };
        beats = true;
        const event = step.value;
        if (event.type === 'events.dropped') throw gapError(event.count);
        text += expressing(event, () => framesOf(tell(event)));
      }
      return { text, last: false };
    } catch (error) {
      state.failure = error;
      // The failure may be ours, arguments that are no JSON, say: the run must still end.
      iterator.return?.().catch(() => undefined);
      return { text: text + framesOf(fail(toProblem(error))) + end, last: true };
    }
  };
}

async function orSilence<T>(pending: Promise<T>): Promise<T | typeof SILENT> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<typeof SILENT>((resolve) => {
    timer = setTimeout(() => resolve(SILENT), HEARTBEAT_MS);
  });
  try {
    return await Promise.race([pending, silence]);
  } finally {
    clearTimeout(timer);
  }
}

/** What is there in this turn of the event loop goes out in one chunk. */
async function orTurn<T>(pending: Promise<T>): Promise<T | typeof OVER> {
  let immediate: NodeJS.Immediate | undefined;
  const over = new Promise<typeof OVER>((resolve) => {
    immediate = setImmediate(() => resolve(OVER));
  });
  try {
    return await Promise.race([pending, over]);
  } finally {
    clearImmediate(immediate);
  }
}

function framesOf(chunks: Iterable<object>): string {
  let text = '';
  for (const chunk of chunks) text += `data: ${escapeLineEnds(JSON.stringify(chunk))}\n\n`;
  return text;
}

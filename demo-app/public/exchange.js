/** A request goes in; what comes back is put on a turn of the store, as it comes. */
import { newTrace } from './request.js';
import { addTurn, changeTurn } from './store.js';

const SHOWN = ['content-type', 'x-session-id'];

/**
 * Sends a request and follows its reply.
 *
 * @param request - as `toRequest` makes it
 * @param facts - what else the turn is to know: `kind`, `plain`, `sent`, `message`, `engine`
 * @param onEvent - called for each event of a stream; `stop` ends it
 * @returns the turn at once, and `done`, which resolves with it when all has come
 */
export function exchange(request, facts, onEvent = () => {}) {
  const { trace, traceparent } = newTrace();
  const sent = { ...request, headers: { ...request.headers, traceparent } };
  return following(addTurn({ ...facts, trace, request: sent }), sent, onEvent);
}

/**
 * Reads a turn on that a reload has cut: its run is kept, and tells all of its events again, then the live ones.
 *
 * @param runs - URL of the runs
 */
export function readOn(turn, runs) {
  const request = { path: `${runs}/${runIdOf(turn)}`, method: 'GET' };
  changeTurn(turn, { events: [], answer: undefined });
  return following(turn, request, () => {});
}

/** Whether a turn's run goes on without this page, and can be read on: by the run's id, or by the chat's. */
export const isKept = (turn) =>
  turn.engine === 'queue' && (turn.via === 'chat' || runIdOf(turn) !== undefined);

/** Of a run that is kept. */
export const runIdOf = ({ events }) => events.find(({ type }) => type === 'run.start')?.run_id;

const UNLOAD = 'unload';

function following(turn, request, onEvent) {
  const controller = new AbortController();
  const stop = () => controller.abort();
  // A reload is a stop as well, and no failed connection: the browser cuts it before `pagehide`.
  const leave = () => controller.abort(UNLOAD);
  addEventListener('beforeunload', leave);
  const done = follow(turn, request, controller, onEvent).finally(() =>
    removeEventListener('beforeunload', leave),
  );
  return { turn, stop, done };
}

async function follow(turn, { path, method, headers, body }, stop, onEvent) {
  const began = performance.now();
  const end = (changes) => {
    changeTurn(turn, { ...changes, ms: performance.now() - began });
    return turn;
  };
  try {
    const response = await fetch(path, { method, headers, body, signal: stop.signal });
    const type = response.headers.get('content-type') ?? '';
    changeTurn(turn, headOf(response));
    if (!/ndjson|jsonl|event-stream/.test(type)) {
      const reply = await response.json();
      const { outputs } = reply.data ?? {};
      return end({
        reply,
        answer: outputs?.output,
        messages: outputs?.messages,
        state: response.ok ? 'done' : 'failed',
        problem: response.ok ? undefined : reply,
      });
    }
    for await (const event of readEvents(response.body, type)) {
      takeEvent(turn, event);
      onEvent(event, turn);
    }
    if (turn.problem) return end({ state: 'failed' });
    const said = JSON.parse(turn.request.body).data.inputs.messages ?? [];
    const answer = turn.answer ?? '';
    return end({ state: 'done', messages: [...said, { role: 'assistant', content: answer }] });
  } catch (error) {
    const goesOn = stop.signal.reason === UNLOAD && isKept(turn);
    if (stop.signal.aborted) return end({ state: goesOn ? 'running' : 'stopped' });
    return end({ state: 'failed', answer: `The connection failed: ${error.message}` });
  }
}

/** What a turn shows of a response before its body. */
export function headOf({ status, statusText, headers }) {
  const shown = SHOWN.map((name) => [name, headers.get(name)]).filter(([, value]) => value);
  const returned = headers.get('x-session-id');
  return {
    status: `${status} ${statusText}`,
    headers: Object.fromEntries(shown),
    ...(returned && { returned }),
  };
}

function takeEvent(turn, event) {
  const changes = { events: [...turn.events, event] };
  if (event.type === 'message.delta') changes.answer = (turn.answer ?? '') + event.delta;
  if (event.type === 'run.start') changes.returned = event.session_id;
  // NDJSON wraps the problem in an event; SSE names the event and sends the problem as it is.
  if (event.type === 'error') changes.problem = event.error;
  if (event.sse === 'error') changes.problem = event.data;
  changeTurn(turn, changes);
}

/** Both framings are lines of text; what makes an event is a line of JSON, or a block with a `data:` line. */
export async function* readEvents(stream, type) {
  const isSse = type.includes('event-stream');
  let rest = '';
  for await (const text of chunks(stream.pipeThrough(new TextDecoderStream()))) {
    const parts = (rest + text).split(isSse ? '\n\n' : '\n');
    rest = parts.pop();
    for (const part of parts) {
      const event = isSse ? parseBlock(part) : part.trim() && JSON.parse(part);
      if (event) yield event;
    }
  }
}

function parseBlock(block) {
  const data = /^data: ?(.*)$/m.exec(block)?.[1];
  // The end of a stream that the AI SDK reads is no JSON.
  if (data === undefined || data === '[DONE]') return undefined;
  const name = /^event: ?(.*)$/m.exec(block)?.[1];
  return name ? { sse: name, data: JSON.parse(data) } : JSON.parse(data);
}

/** A ReadableStream is not async iterable in every browser yet. */
async function* chunks(stream) {
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value;
  }
}

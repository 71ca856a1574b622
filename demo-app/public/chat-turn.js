/** A request of `useChat` goes in, the transport's `fetch`: it is sent with a trace of its own, and what comes back is put on a turn, as it comes. */
import { headOf, isKept, readEvents } from './exchange.js';
import { textOf } from './history.js';
import { newTrace } from './request.js';
import { addTurn, allTurns, changeTurn, select } from './store.js';

let isLeaving = false;
// The browser cuts the connection: a stop, and no failure.
addEventListener('beforeunload', () => {
  isLeaving = true;
});

export async function sendTurn(path, { method, headers, body, signal }) {
  if (method === 'GET') return readOn(path, { headers, signal });
  const { trace, traceparent } = newTrace();
  const request = {
    method,
    path,
    headers: { ...Object.fromEntries(new Headers(headers)), traceparent },
    body,
  };
  const { id, trigger, messages, parameters } = JSON.parse(body);
  const turn = addTurn({
    via: 'chat',
    trace,
    sent: id,
    engine: parameters.engine,
    message: describe(trigger, messages.at(-1)),
    request: { ...request, body: shorten(body) },
  });
  select(turn);
  return follow(turn, path, { ...request, signal });
}

/** The AI SDK asks for what a reload has cut. 204: it is over meanwhile, and what was read of it stays. */
function readOn(path, options) {
  const turn = allTurns().findLast((each) => isCut(each) && path.includes(`/${each.sent}/`));
  return follow(turn, path, options);
}

/** Of this page no turn is running where a chat is made, but one that a reload has cut. */
export const isCut = ({ via, state }) => via === 'chat' && state === 'running';

async function follow(turn, path, { signal, ...request }) {
  const began = performance.now();
  const end = (changes) => changeTurn(turn, { ...changes, ms: performance.now() - began });
  try {
    const response = await fetch(path, { ...request, signal });
    if (response.status === 204) {
      end({ state: 'stopped' });
      return response;
    }
    changeTurn(turn, { ...headOf(response), events: [], answer: undefined });
    const [forChat, forTurn] = response.body.tee();
    take(turn, response.ok, forTurn).then(end, (error) => end(broken(turn, error, signal)));
    return new Response(forChat, response);
  } catch (error) {
    end(broken(turn, error, signal));
    throw error;
  }
}

function broken(turn, error, signal) {
  if (isLeaving && isKept(turn)) return { state: 'running' };
  if (signal?.aborted || isLeaving) return { state: 'stopped' };
  return { state: 'failed', answer: `The connection failed: ${error.message}` };
}

async function take(turn, isOk, body) {
  if (!isOk) {
    const detail = await new Response(body).text();
    return { state: 'failed', problem: { detail }, reply: detail };
  }
  for await (const event of readEvents(body, 'text/event-stream')) {
    const changes = { events: [...turn.events, event] };
    if (event.type === 'text-delta') changes.answer = (turn.answer ?? '') + event.delta;
    if (event.type === 'start') changes.returned = event.messageMetadata.sessionId;
    if (event.type === 'error') changes.problem = { detail: event.errorText };
    changeTurn(turn, changes);
  }
  return { state: turn.problem ? 'failed' : 'done' };
}

/** What the person said, or did. */
function describe(trigger, { role, parts }) {
  if (role === 'assistant') {
    const decided = parts.filter(({ state }) => state === 'approval-responded').at(-1);
    return `${decided.approval.approved ? 'Allowed' : 'Denied'}: ${decided.toolName}`;
  }
  const pictures = parts.filter(({ type }) => type === 'file').map(() => '[picture]');
  const text = [...pictures, textOf(parts)].join(' ');
  return trigger === 'regenerate-message' ? `Once more: ${text}` : text;
}

/** For the pane and the storage: of a picture the beginning. */
const shorten = (body) => body.replaceAll(/(base64,[^"]{40})[^"]{80,}/g, '$1…');

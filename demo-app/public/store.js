/** Turns come in from the form and spans from the feeds; both are kept by trace, and whoever subscribes is told. */
const SAVED = 'turns';
const CHOSEN = 'chosen';
const SAVED_MAX = 200;
/** In characters: of some five million that there is room for. */
const LARGE = 200_000;

const turns = new Map();
const listeners = new Set();
let chosen;

/** In the order they began: what a reload brings back comes before what the feeds bring. */
export const allTurns = () => [...turns.values()].sort((a, b) => a.startedAt - b.startedAt);
export const turnsOf = (session) =>
  allTurns().filter((turn) => isListed(turn) && sessionOf(turn) === session);

/** @returns what ends it */
export function subscribe(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The turn that the page shows, with the conversation it belongs to. */
export const selected = () => chosen;

export function select(turn) {
  chosen = turn;
  tell(turn);
}

/** A request of this page. `kind` is `turn`; what breaks or compares is kept out of the conversations. */
export function addTurn(turn) {
  return put({ kind: 'turn', state: 'running', startedAt: Date.now(), events: [], ...turn });
}

export function changeTurn(turn, changes) {
  Object.assign(turn, changes);
  tell(turn);
  if (changes.state !== undefined) save();
}

/** A span of a trace that this page did not start is somebody else's turn: a curl, another tab. */
export function addSpan(span) {
  const turn =
    turns.get(span.trace_id) ??
    put({
      kind: 'turn',
      trace: span.trace_id,
      state: 'elsewhere',
      events: [],
      startedAt: span.start,
    });
  if (turn.state === 'elsewhere' && isPlain(span)) turn.plain = true;
  // A feed that reconnects tells everything again.
  const known = turn.spans.get(span.span_id);
  if (known?.state === 'ended') return;
  turn.spans.set(span.span_id, { ...span, seenAt: performance.now() });
  tell(turn);
}

const isPlain = ({ attributes }) => attributes['url.path']?.startsWith('/plain/');

/** A service that is gone will never tell how its open spans ended. */
export function abandonSpans(service) {
  for (const turn of turns.values()) {
    const abandoned = [...turn.spans.values()].filter(
      (s) => s.state === 'open' && s.service === service,
    );
    for (const span of abandoned) {
      const ms = span.ms + performance.now() - span.seenAt;
      turn.spans.set(span.span_id, { ...span, state: 'unfinished', ms });
    }
    if (abandoned.length > 0) tell(turn);
  }
}

/** The conversation a turn belongs to: what its reply says, else what a tracing backend would say, which knows the spans alone. */
export function sessionOf(turn) {
  const told = turn.returned ?? (turn.state === 'running' ? turn.sent : undefined);
  if (!turn.plain && told !== undefined) return told;
  return [...turn.spans.values()].find((span) => span.session_id !== undefined)?.session_id;
}

/** Session ids in the order they were first seen, each with its turns. `undefined`: nobody named it (yet). */
export function conversations() {
  const groups = new Map();
  for (const turn of allTurns()) {
    if (!isListed(turn)) continue;
    const session = sessionOf(turn);
    groups.set(session, [...(groups.get(session) ?? []), turn]);
  }
  return groups;
}

const isListed = ({ kind }) => kind === 'turn';

function put(turn) {
  const whole = { ...turn, spans: new Map() };
  turns.set(turn.trace, whole);
  tell(whole);
  return whole;
}

function tell(turn) {
  for (const listener of listeners) listener(turn);
}

/** For a reload: the spans come again from the feeds, what was said only from here. */
function save() {
  const kept = allTurns()
    .filter(({ kind }) => kind !== 'picture')
    .filter((turn) => turn.state !== 'elsewhere' || turn === chosen)
    .slice(-SAVED_MAX)
    .map(({ spans: _, ...turn }) => (isListed(turn) ? turn : { ...turn, request: undefined }));
  // Where large pictures leave no room, the rest is kept. No storage at all: the page works without.
  if (!keep(kept)) keep(kept.map((turn) => (isLarge(turn) ? { ...turn, chat: undefined } : turn)));
}

const isLarge = ({ chat = [] }) => JSON.stringify(chat).length > LARGE;

function keep(kept) {
  try {
    sessionStorage.setItem(CHOSEN, chosen?.trace ?? '');
    sessionStorage.setItem(SAVED, JSON.stringify(kept));
    return true;
  } catch {
    return false;
  }
}

/** @param isKept - whether the run of a turn that was still running goes on without this page */
export function restore(isKept) {
  const kept = JSON.parse(sessionStorage.getItem(SAVED) ?? '[]');
  for (const turn of kept) {
    put(turn.state === 'running' && !isKept(turn) ? { ...turn, state: 'stopped' } : turn);
  }
  select(turns.get(sessionStorage.getItem(CHOSEN)));
  // Not only at each answer: what was picked, and a turn that is still running, are to be kept, too.
  addEventListener('pagehide', save);
}

/** A turn goes in; which id its spans were to carry comes out, how many of them do, and whether that is as it should be. */
import { sessionOf } from './store.js';

const spansOf = (turn) => [...turn.spans.values()];

/** The id an engine brought. A remote engine has none of its own: what it is told is the platform's. */
export const ownIdOf = ({ attributes, session_id, engine_session_id }) =>
  attributes['gen_ai.agent.name'] === 'remote' && engine_session_id === session_id
    ? undefined
    : engine_session_id;

/** The client left, or somebody pressed Stop: nothing has failed. */
export const isStopped = ({ attributes }) => attributes['error.type'] === 'AbortError';

const statusOf = (turn) =>
  Number.parseInt(turn.status, 10) ||
  spansOf(turn)
    .filter(({ service }) => service.startsWith('gateway'))
    .map(({ attributes }) => attributes['http.response.status_code'])
    .find(Boolean);

export const isRefused = (turn) => statusOf(turn) >= 400 && statusOf(turn) < 500;

const wasStopped = (turn) => turn.state === 'stopped' || spansOf(turn).some(isStopped);

/** The id that each span was to carry; `undefined` where nobody had named one. */
function expectedId(turn) {
  if (turn.plain) return turn.sent ?? sessionOf(turn);
  return sessionOf(turn) ?? (isRefused(turn) ? undefined : turn.sent);
}

/** An answer without any id is a loss. A request that was refused or stopped before one was named has none to lose. */
const hasNoneToCarry = (turn) =>
  expectedId(turn) === undefined &&
  (isRefused(turn) || wasStopped(turn) || !(statusOf(turn) < 300));

/** What to say of one span: `open`, `unfinished`, `none` (none to carry), `missing`, `other` or `carried`. */
export function standing(turn, { state, session_id }) {
  if (session_id === undefined) {
    if (state !== 'ended') return state;
    return hasNoneToCarry(turn) ? 'none' : 'missing';
  }
  const id = expectedId(turn);
  return id === undefined || session_id === id ? 'carried' : 'other';
}

/** How many of a turn's spans have ended, and with which ids. */
export function tally(turn) {
  const ended = spansOf(turn).filter(({ state }) => state === 'ended');
  const count = (wanted) => ended.filter((span) => standing(turn, span) === wanted).length;
  return {
    spans: ended.length,
    carried: count('carried'),
    other: count('other'),
    missing: count('missing'),
    unfinished: spansOf(turn).filter(({ state }) => state === 'unfinished').length,
    ids: new Set(ended.map(({ session_id }) => session_id).filter((id) => id !== undefined)),
  };
}

/** One line on the spans: `ok` is `undefined` where there is nothing to judge. */
export function verdict(turn) {
  const counts = tally(turn);
  const { spans, unfinished } = counts;
  const gone = `${unfinished} unfinished: ${unfinished === 1 ? 'its' : 'their'} process is gone`;
  if (spans === 0) {
    if (unfinished > 0) return { text: gone };
    return { text: turn.spans.size > 0 ? 'No span has ended yet …' : 'No span yet …' };
  }
  if (hasNoneToCarry(turn)) return judgeNone(turn, spans);
  const { ok, text } = judge(turn, counts);
  return { ok, text: unfinished > 0 ? `${text}; ${gone}` : text };
}

function judgeNone(turn, spans) {
  if (isRefused(turn)) {
    const each = spans === 1 ? 'the one span has' : `the ${spans} spans have`;
    return { ok: true, text: `Refused, so there is no id to carry: ${each} none` };
  }
  const end = wasStopped(turn) ? 'Stopped' : 'Over';
  return { text: `${end} before anybody named a session: there is no id to carry` };
}

function judge(turn, { spans, carried, other, missing, unfinished }) {
  if (carried === spans) {
    return {
      ok: true,
      text: `All ${spans} ${unfinished ? 'finished ' : ''}spans carry the same id`,
    };
  }
  if (other + carried === 0) return { ok: false, text: `None of ${spans} spans carries an id` };
  const rest = [other && `${other} carry another one`, missing && `${missing} none`]
    .filter(Boolean)
    .join(', ');
  const which =
    turn.plain && turn.sent === undefined ? 'the engine’s own id' : 'the id that was sent';
  if (carried === 0) return { ok: false, text: `No span carries ${which}: ${rest}` };
  return { ok: false, text: `${carried} of ${spans} spans carry ${which}, ${rest}` };
}

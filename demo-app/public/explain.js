/** A turn goes in; where its spans have their id from comes out, as a sentence, and whether any span lacks it. */
import { el } from './dom.js';
import { sessionOf } from './store.js';

/** How many of a turn's finished spans carry an id, and which ids these are. */
export function tally(turn) {
  const ended = [...turn.spans.values()].filter(({ state }) => state !== 'open');
  const ids = ended.map(({ session_id }) => session_id).filter((id) => id !== undefined);
  return { spans: ended.length, carrying: ids.length, ids: new Set(ids) };
}

const ownId = (turn) => {
  const agents = [...turn.spans.values()].filter(({ engine_session_id }) => engine_session_id);
  const other = agents.find((span) => span.engine_session_id !== span.session_id);
  return (other ?? agents[0])?.engine_session_id;
};

/** @returns `{ from, nodes }`; `from` is `client`, `engine`, `plain`, `none` or `unknown` */
export function explain(turn) {
  const id = sessionOf(turn);
  const own = ownId(turn);
  const code = (text) => el('code', {}, text);
  if (turn.plain) return { from: 'plain', nodes: explainPlain(turn, id, code) };
  if (id === undefined) {
    if (turn.state === 'running') {
      return {
        from: 'unknown',
        nodes: ['No id was sent: the engine is about to name the conversation.'],
      };
    }
    return {
      from: 'none',
      nodes: ['It ended before anybody named a session: there is no id to carry.'],
    };
  }
  // Of somebody else's request only the spans are known: an engine's own id that differs was not the source.
  const sent = turn.state === 'elsewhere' ? own !== id : turn.sent?.trim() === id;
  if (sent) {
    const beside =
      own && own !== id
        ? [' The engine’s own id, ', code(own), ', stands beside it, never in its place.']
        : [];
    return {
      from: 'client',
      nodes: [code(id), ' was sent by the client, on the envelope.', ...beside],
    };
  }
  return {
    from: 'engine',
    nodes: [
      'The client sent no id, so the engine’s own became the conversation’s: ',
      code(id),
      '. The reply told the client, in the body and in ',
      code('x-session-id'),
      '.',
    ],
  };
}

function explainPlain(turn, id, code) {
  if (id === undefined) return ['A plain handler: nothing carries the id any further.'];
  const lost = turn.sent ? ['The client sent ', code(turn.sent), ', which is on no span. '] : [];
  return [
    ...lost,
    'The engine stamped its own id, ',
    code(id),
    ', and the request’s span has none.',
  ];
}

/** One line on the spans. */
export function verdict(turn) {
  const { spans, carrying, ids } = tally(turn);
  if (spans === 0) {
    return {
      ok: undefined,
      text: turn.spans.size > 0 ? 'No span has ended yet …' : 'No span yet …',
    };
  }
  const which = ids.size === 1 ? 'the same id' : `${ids.size} different ids`;
  if (carrying === spans && ids.size === 1)
    return { ok: true, text: `All ${spans} spans carry the same id` };
  if (carrying === 0) return { ok: false, text: `None of ${spans} spans carries an id` };
  return {
    ok: false,
    text: `${carrying} of ${spans} spans carry ${which}, ${spans - carrying} none`,
  };
}

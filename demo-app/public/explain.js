/** A turn goes in; where its spans have their id from comes out, as a sentence. */
import { el } from './dom.js';
import { sessionOf } from './store.js';
import { isRefused, ownIdOf } from './verdict.js';

const code = (text) => el('code', {}, text);

function ownId(turn) {
  const ids = [...turn.spans.values()]
    .filter((span) => ownIdOf(span) !== undefined)
    .map((span) => ({ own: ownIdOf(span), id: span.session_id }));
  return (ids.find(({ own, id }) => own !== id) ?? ids[0])?.own;
}

const isAgent = ({ attributes }) => attributes['gen_ai.agent.name'] !== undefined;

/** @returns `{ from, nodes }`; `from` is `client`, `engine`, `plain`, `none` or `unknown` */
export function explain(turn) {
  const id = sessionOf(turn);
  if (turn.plain) return { from: 'plain', nodes: explainPlain(turn, id) };
  if (id === undefined) return explainNone(turn);
  const own = ownId(turn);
  if (turn.state === 'elsewhere') {
    // Of somebody else's request only the spans are known: an engine's own id that differs was not the source.
    if (own === undefined && [...turn.spans.values()].some(isAgent)) {
      return {
        from: 'unknown',
        nodes: [
          code(id),
          ' is on the spans. Whether the client or the engine named it, they do not say.',
        ],
      };
    }
    return own === id ? explainEngine(id, 'The engine’s own id') : explainClient(id, own);
  }
  return turn.sent?.trim() === id
    ? explainClient(id, own, turn.via)
    : explainEngine(id, 'The client sent no id, so the engine’s own');
}

function explainClient(id, own, via) {
  const beside =
    own && own !== id
      ? [' The engine’s own id, ', code(own), ', stands beside it, never in its place.']
      : [];
  return {
    from: 'client',
    nodes: [
      code(id),
      via === 'chat' ? ' is the chat’s id, sent by ' : ' was sent by the client, on the envelope.',
      ...(via === 'chat' ? [code('useChat'), '.'] : []),
      ...beside,
    ],
  };
}

const explainEngine = (id, who) => ({
  from: 'engine',
  nodes: [
    `${who} became the conversation’s: `,
    code(id),
    '. The reply told the client, in the body and in ',
    code('x-session-id'),
    '.',
  ],
});

function explainNone(turn) {
  if (isRefused(turn)) {
    return {
      from: 'none',
      nodes: ['Refused, and no id was accepted: no span has one, and none should.'],
    };
  }
  const isOver = [...turn.spans.values()].every(({ state }) => state !== 'open');
  if (turn.state === 'running' || (turn.state === 'elsewhere' && !isOver)) {
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

function explainPlain(turn, id) {
  if (id === undefined) return ['A plain handler: nothing carries the id any further.'];
  const stamped = [
    'he engine stamped its own id, ',
    code(id),
    ', and the request’s span has none.',
  ];
  if (turn.sent)
    return ['The client sent ', code(turn.sent), ', which is on no span. T', ...stamped];
  if (turn.state === 'elsewhere') {
    return ['A plain handler: an id that the client sent would be on no span. T', ...stamped];
  }
  return ['T', ...stamped];
}

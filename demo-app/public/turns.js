/** The selected turn goes in; the turns of its conversation come out, newest first, each with its trace. */
import { chip } from './chip.js';
import { arrange, byId, el, toDuration } from './dom.js';
import { explain } from './explain.js';
import { createSaid } from './said.js';
import { select, selected, sessionOf, turnsOf } from './store.js';
import { createWaterfall } from './trace.js';
import { verdict } from './verdict.js';

/** Older turns are folded, so that the newest stay in sight. */
const UNFOLDED = 2;
const cards = new Map();

export function renderTurns() {
  const turn = selected();
  const session = turn && sessionOf(turn);
  const shown = session === undefined ? [turn].filter(Boolean) : turnsOf(session);
  byId('watch-hint').hidden = shown.length > 0;
  for (const [i, each] of shown.entries()) {
    if (!cards.has(each)) {
      cards.set(each, createCard(each));
      const old = shown[i - UNFOLDED];
      if (old) cards.get(old).fold();
    }
    cards.get(each).update(i + 1, each === turn);
  }
  arrange(byId('turns'), shown.map((each) => cards.get(each).element).reverse());
}

function createCard(turn) {
  const title = el('b', { className: 'title' });
  const id = el('span', { className: 'session' });
  const meta = el('span', { className: 'meta' });
  const said = createSaid('you');
  const answer = createSaid('agent');
  const origin = el('p', { className: 'origin' });
  const count = el('p', { className: 'count' });
  const waterfall = createWaterfall(turn);
  const summary = el('summary', { className: 'turn-head' }, title, id, meta);
  const details = el(
    'details',
    { open: true },
    summary,
    said.element,
    answer.element,
    origin,
    waterfall.element,
    count,
  );
  const element = el('li', { className: 'card turn', 'data-trace': turn.trace }, details);
  summary.addEventListener('click', () => select(turn));
  let shownId;
  return {
    element,
    fold: () => {
      details.open = false;
    },
    update(number, isSelected) {
      const session = sessionOf(turn);
      title.textContent = `Turn ${number}`;
      const standing = turn.state === 'running' ? 'open' : 'none';
      if (`${session} ${standing}` !== shownId) {
        shownId = `${session} ${standing}`;
        id.replaceChildren(chip(session, { standing }));
      }
      meta.textContent = describe(turn);
      said.show(turn.message);
      answer.show(turn.problem ? describeProblem(turn.problem) : turn.answer);
      answer.element.hidden = turn.state === 'elsewhere';
      said.element.hidden = turn.message === undefined;
      const { from, nodes } = explain(turn);
      // Not on each piece of a stream: what somebody selects should stay selected.
      const text = nodes.map((node) => node.textContent ?? node).join('');
      if (origin.textContent !== text) origin.replaceChildren(...nodes);
      const { ok, text: sum } = verdict(turn);
      count.textContent = sum;
      count.dataset.ok = ok;
      Object.assign(element.dataset, { state: turn.state, from, session: session ?? '' });
      element.classList.toggle('selected', isSelected);
      waterfall.update();
    },
  };
}

/** A client with a protocol of its own is told no code. */
const describeProblem = ({ code, detail }) => (code ? `${code}: ${detail}` : detail);

function describe(turn) {
  if (turn.state === 'elsewhere') return 'sent from elsewhere';
  const state = {
    running: 'running …',
    stopped: 'stopped',
    done: turn.status,
    failed: turn.status,
  };
  return [
    turn.plain ? `${turn.engine}, without the package` : turn.engine,
    turn.via,
    state[turn.state],
    turn.ms === undefined ? undefined : toDuration(turn.ms),
  ]
    .filter(Boolean)
    .join(' · ');
}

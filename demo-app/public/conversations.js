/** The turns of the store go in; a list of their conversations comes out, newest first, to pick one from. */
import { chip } from './chip.js';
import { arrange, byId, el } from './dom.js';
import { showTurns } from './results.js';
import { conversations, select, selected, sessionOf } from './store.js';

const items = new Map();

export function renderConversations() {
  const groups = conversations();
  byId('no-conversations').hidden = groups.size > 0;
  const turn = selected();
  const rows = [...groups].reverse().map(([session, turns]) => {
    if (!items.has(session)) items.set(session, createItem(session));
    items.get(session).update(turns, turn !== undefined && sessionOf(turn) === session);
    return items.get(session).element;
  });
  arrange(byId('conversations'), rows);
}

function createItem(session) {
  const count = el('small');
  const said = el('span', { className: 'excerpt' });
  const button = el('button', { type: 'button' }, chip(session), count, said);
  let turns = [];
  button.addEventListener('click', () => {
    showTurns();
    select(turns.at(-1));
  });
  return {
    element: el('li', {}, button),
    update(current, isSelected) {
      turns = current;
      const plain = turns.every((turn) => turn.plain) ? ', without the package' : '';
      count.textContent = `${turns.length} turn${turns.length === 1 ? '' : 's'}${plain}`;
      said.textContent = turns.at(-1).message ?? 'sent from elsewhere';
      button.setAttribute('aria-current', isSelected);
    },
  };
}

/** Two turns without the package and the same two with it go in; their spans come out side by side, each with its id. */
import { summarize } from './compare.js';
import { byId, el } from './dom.js';
import { addTurn, subscribe } from './store.js';
import { createWaterfall } from './trace.js';

/** @param turns - `{ plain, trace, sent, message }` of each; the gateway held them when it started */
export function showPicture(turns) {
  for (const plain of [true, false]) {
    byId('picture').append(
      createSide(
        plain,
        turns.filter((each) => each.plain === plain),
      ),
    );
  }
}

function createSide(plain, facts) {
  const sum = el('p', { className: 'count' });
  const turns = facts.map((each) => addTurn({ ...each, kind: 'picture', state: 'done' }));
  const waterfalls = turns.map((turn) => createWaterfall(turn));
  subscribe((changed) => {
    if (!turns.includes(changed)) return;
    waterfalls[turns.indexOf(changed)].update();
    summarize(sum, turns);
  });
  return el(
    'div',
    { className: 'side', 'data-plain': plain },
    el('h3', {}, plain ? 'Before: a plain handler' : 'After: with the package'),
    ...waterfalls.flatMap(({ element }, i) => [el('h4', {}, `Turn ${i + 1}`), element]),
    sum,
  );
}

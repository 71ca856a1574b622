/** The form's message and engine go in; the same two turns come out twice: through the package, and without it. */
import { byId, el } from './dom.js';
import { exchange } from './exchange.js';
import { newSession, toRequest } from './request.js';
import { readForm, say } from './send.js';
import { subscribe } from './store.js';
import { createWaterfall } from './trace.js';
import { tally } from './verdict.js';

const SIDES = [
  { plain: false, title: 'With the package' },
  { plain: true, title: 'Without the package' },
];

export function wireCompare() {
  const button = byId('compare-run');
  button.addEventListener('click', async () => {
    const values = readForm();
    if (values === undefined) return;
    button.disabled = true;
    byId('sides').dataset.state = 'running';
    const session = newSession();
    const sides = SIDES.map((side) => createSide(side));
    byId('sides').replaceChildren(...sides.map(({ element }) => element));
    await Promise.all(sides.map((side) => side.run({ ...values, session, reply: 'json' })));
    byId('sides').dataset.state = 'done';
    button.disabled = false;
    say('Compared: two turns each way.');
  });
}

function createSide({ plain, title }) {
  const sum = el('p', { className: 'count' });
  const element = el('div', { className: 'side', 'data-plain': plain }, el('h3', {}, title), sum);
  const turns = [];
  async function run(values) {
    let history = [];
    for (const number of [1, 2]) {
      const request = toRequest({ ...values, plain }, history);
      const facts = { kind: 'compare', plain, sent: values.session, message: values.message };
      const { turn, done } = exchange(request, { ...facts, engine: values.parameters.engine });
      const waterfall = createWaterfall(turn);
      turns.push(turn);
      element.append(el('h4', {}, `Turn ${number}`), waterfall.element);
      subscribe((changed) => {
        if (changed !== turn) return;
        waterfall.update();
        summarize(sum, turns);
      });
      history = (await done).messages ?? [];
    }
  }
  return { element, run };
}

/** The ids of some turns that were to be one conversation, in a line. */
export function summarize(sum, turns) {
  const tallies = turns.map(tally);
  const ids = new Set(tallies.flatMap((each) => [...each.ids]));
  const spans = tallies.reduce((total, each) => total + each.spans, 0);
  const without = tallies.reduce((total, each) => total + each.missing, 0);
  sum.dataset.ok = ids.size === 1 && without === 0;
  sum.textContent =
    `${ids.size} ${ids.size === 1 ? 'id' : 'different ids'} on ${spans} spans` +
    (without > 0 ? `, and ${without} of them with none` : ': one conversation');
}

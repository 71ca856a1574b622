/** The settings go in; where workers do the runs, a button comes out that kills the one of the turn that is running. */
import { byId } from './dom.js';
import { say } from './send.js';
import { selected } from './store.js';

const button = byId('kill');
let shown;

export function wireKill({ runs }) {
  byId('machines').hidden = runs === undefined;
  button.addEventListener('click', async () => {
    const worker = shown;
    const { ok } = await fetch(`/workers/${encodeURIComponent(worker)}`, { method: 'DELETE' });
    say(ok ? `${worker} was killed. Its run is noticed by another worker …` : 'It lives.');
  });
}

/** Known by its spans, as anybody knows who did what. */
export function renderKill() {
  const spans = [...(selected()?.spans.values() ?? [])];
  const isAtWork = ({ state, service }) => state === 'open' && service.startsWith('worker');
  shown = spans.find(isAtWork)?.service;
  button.disabled = shown === undefined;
  button.textContent = shown === undefined ? 'Kill its worker' : `Kill ${shown}`;
}

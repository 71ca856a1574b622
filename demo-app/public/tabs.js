/** The tabs of the results: one panel shows at a time. A link to a panel's id, from the header or from elsewhere, opens it. */
import { byId } from './dom.js';

const tabs = [...byId('tabs').children];
const panelOf = (tab) => byId(tab.getAttribute('aria-controls'));

function show(wanted) {
  for (const tab of tabs) {
    tab.setAttribute('aria-selected', tab === wanted);
    tab.tabIndex = tab === wanted ? 0 : -1;
    panelOf(tab).hidden = tab !== wanted;
  }
}

/** A turn is seen in its trace, and on the wire. */
export function showTurns() {
  const current = tabs.find((tab) => tab.getAttribute('aria-selected') === 'true');
  if (!current.hasAttribute('data-turns')) show(tabs[0]);
}

function followHash() {
  const tab = tabs.find((each) => `#${panelOf(each).id}` === location.hash);
  if (!tab) return;
  show(tab);
  byId('results').scrollIntoView();
}

export function wireTabs() {
  for (const [i, tab] of tabs.entries()) {
    tab.addEventListener('click', () => show(tab));
    tab.addEventListener('keydown', ({ key }) => {
      const step = { ArrowRight: 1, ArrowLeft: tabs.length - 1 }[key];
      if (step === undefined) return;
      const next = tabs[(i + step) % tabs.length];
      show(next);
      next.focus();
    });
  }
  show(tabs[0]);
  followHash();
  addEventListener('hashchange', followHash);
}

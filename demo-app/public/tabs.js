/** A list of tabs goes in: one panel shows at a time. A link to a panel's id, from the header or from elsewhere, opens it. */
import { byId } from './dom.js';

/** @param onShow - called with the id of the panel that is shown, each time */
export function createTabs(list, onShow = () => {}) {
  const tabs = [...list.children];
  const panelOf = (tab) => byId(tab.getAttribute('aria-controls'));

  function show(wanted) {
    for (const tab of tabs) {
      tab.setAttribute('aria-selected', tab === wanted);
      tab.tabIndex = tab === wanted ? 0 : -1;
      panelOf(tab).hidden = tab !== wanted;
    }
    onShow(panelOf(wanted).id);
  }

  const named = () => tabs.find((tab) => `#${panelOf(tab).id}` === location.hash);
  function followHash() {
    if (!named()) return;
    show(named());
    list.parentElement.scrollIntoView();
  }

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
  if (named()) followHash();
  else show(tabs[0]);
  addEventListener('hashchange', followHash);
  return {
    show,
    shown: () => tabs.find((tab) => tab.getAttribute('aria-selected') === 'true'),
  };
}

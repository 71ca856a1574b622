/** The tabs of the results. */
import { byId } from './dom.js';
import { createTabs } from './tabs.js';

const tabs = createTabs(byId('tabs'));

/** A turn is seen in its trace, and on the wire. */
export function showTurns() {
  if (!tabs.shown().hasAttribute('data-turns')) tabs.show(byId('watch-tab'));
}

/** The URLs of span feeds go in; their spans go to the store, and the header shows which service is there. */
import { byId, el } from './dom.js';
import { readFeed } from './feed.js';
import { abandonSpans, addSpan } from './store.js';

const TITLES = {
  waiting: 'connecting',
  there: 'its spans come in',
  gone: 'not there, trying again',
};

/** @param feeds - `{ service, url }` of each */
export function openFeeds(feeds) {
  const lights = new Map(feeds.map(({ service }) => [service, createLight(service)]));
  const take = ({ service, row, state }) => {
    if (row) return addSpan(row);
    lights.get(service)?.(state);
    if (state === 'gone') abandonSpans(service);
  };
  const readHere = () => {
    for (const feed of feeds) readFeed(feed, take);
  };
  // Some phones have no shared workers.
  if (!('SharedWorker' in globalThis)) return readHere();
  const worker = new SharedWorker('feed-worker.js', { type: 'module' });
  worker.onerror = readHere;
  worker.port.onmessage = ({ data }) => take(data);
  for (const feed of feeds) worker.port.postMessage(feed);
}

function createLight(service) {
  const light = el('li', { 'data-feed': service }, service);
  byId('feeds').append(light);
  const show = (state) => {
    light.dataset.state = state;
    light.title = `${service}: ${TITLES[state]}`;
    light.setAttribute('aria-label', light.title);
  };
  show('waiting');
  return show;
}

/** The URLs of span feeds go in; their spans go to the store, and the header shows which service is there. */
import { byId, el } from './dom.js';
import { abandonSpans, addSpan } from './store.js';

export function openFeed(service, url) {
  const light = el('li', { 'data-feed': service, 'data-state': 'waiting' }, service);
  byId('feeds').append(light);
  const show = (state, text) => {
    light.dataset.state = state;
    light.title = text;
    light.setAttribute('aria-label', text);
  };
  show('waiting', `${service}: connecting`);
  const source = new EventSource(url);
  source.onopen = () => show('there', `${service}: its spans come in`);
  source.onmessage = ({ data }) => addSpan(JSON.parse(data));
  // It tries again by itself.
  source.onerror = () => {
    show('gone', `${service}: not there, trying again`);
    abandonSpans(service);
  };
}

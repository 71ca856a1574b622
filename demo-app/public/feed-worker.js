/** Each feed is read once for all tabs, as a browser opens no more than six connections to a host. Feeds come in, their news goes out. */
import { readFeed } from './feed.js';

const KEEP = 4000;
const tabs = new Set();
const feeds = new Map();

self.addEventListener('connect', ({ ports: [tab] }) => {
  tabs.add(tab);
  tab.onmessage = ({ data: feed }) => {
    if (feeds.has(feed.url)) catchUp(tab, feeds.get(feed.url));
    else feeds.set(feed.url, follow(feed));
  };
});

function follow(feed) {
  const known = { rows: new Map(), state: undefined };
  readFeed(feed, (news) => {
    if (news.row) known.rows.set(news.row.span_id, news);
    else known.state = news;
    if (known.rows.size > KEEP) known.rows.delete(known.rows.keys().next().value);
    // To a tab that was closed this is nothing.
    for (const tab of tabs) tab.postMessage(news);
  });
  return known;
}

/** A tab that comes later is told what the earlier ones were; the state comes last, as it says what became of open spans. */
function catchUp(tab, { rows, state }) {
  for (const news of rows.values()) tab.postMessage(news);
  if (state) tab.postMessage(state);
}

/** The page: reads the settings, opens the span feeds, and draws what has changed, once a frame. */
import { wireBreakIt } from './break-it.js';
import { wireCompare } from './compare.js';
import { renderConversations } from './conversations.js';
import { byId } from './dom.js';
import { isKept } from './exchange.js';
import { openFeeds } from './feeds.js';
import { renderKill, wireKill } from './kill.js';
import { showPicture } from './picture.js';
import { renderSend, wireForm } from './send.js';
import { restore, select, selected, subscribe } from './store.js';
import { renderTurns } from './turns.js';
import { wireViews } from './views.js';
import { renderWire } from './wire.js';

let pending = false;

function render() {
  pending = false;
  renderConversations();
  renderTurns();
  renderWire();
  renderSend();
  renderKill();
}

subscribe((turn) => {
  // Somebody's curl, on a page where nothing has been sent yet: that is what they want to see.
  if (turn?.state === 'elsewhere' && !selected()) return select(turn);
  if (pending) return;
  pending = true;
  requestAnimationFrame(render);
});

const config = await (await fetch('/config')).json();
wireBreakIt();
wireCompare();
byId('runner').textContent = config.runner ?? '';
byId('elsewhere').hidden = config.runner === undefined;
byId('otlp').textContent = config.otlp ? `Now: ${config.otlp}.` : 'Now: none is set.';
byId('models').textContent =
  config.models.length > 0
    ? `Now: ${config.models.length} models to choose from.`
    : 'Now: no key is set.';
restore((turn) => config.runs !== undefined && isKept(turn));
showPicture(config.picture);
wireForm(config);
wireKill(config);
wireViews(config);
render();
openFeeds(config.feeds);
document.body.dataset.ready = true;

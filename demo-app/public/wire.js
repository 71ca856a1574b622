/** The selected turn goes in; its request and its response come out as they were on the wire, each id in its colour. */
import { hueOf } from './chip.js';
import { byId, el, toText } from './dom.js';
import { selected, sessionOf } from './store.js';

const request = createPane('Request');
const response = createPane('Response');
byId('wire').append(request.element, response.element);

export function renderWire() {
  const turn = selected();
  const ids = turn ? [sessionOf(turn), turn.sent, turn.returned].filter(Boolean) : [];
  request.show(
    turn?.request ? requestText(turn.request) : placeholder(turn, 'Nothing sent yet.'),
    ids,
  );
  response.show(turn?.request ? responseText(turn) : placeholder(turn, 'No answer yet.'), ids);
}

const placeholder = (turn, text) =>
  turn ? 'Sent from elsewhere: only its spans are known here.' : text;

function requestText({ method, path, headers, body }) {
  return `${method} ${path}\n${headerLines(headers)}\n\n${pretty(body)}`;
}

function responseText({ status, headers, reply, events, state }) {
  if (status === undefined) return state === 'stopped' ? 'Stopped before the answer.' : 'Waiting …';
  const body = reply ? toText(reply) : events.map((event) => JSON.stringify(event)).join('\n');
  const end = state === 'stopped' ? '\n— stopped by the client —' : '';
  return `${status}\n${headerLines(headers)}\n\n${body}${end}`;
}

const headerLines = (headers) =>
  Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}`)
    .join('\n');

/** What is not JSON is shown as it is. */
export function pretty(body) {
  try {
    return toText(JSON.parse(body));
  } catch {
    return body;
  }
}

function createPane(title) {
  const code = el('code');
  const pre = el('pre', { tabIndex: 0, role: 'region', 'aria-label': title }, code);
  let shown;
  return {
    element: el('div', { className: 'pane' }, el('h3', {}, title), pre),
    show(text, ids) {
      if (text === shown) return;
      shown = text;
      // Follows the end of a stream, unless somebody has scrolled up.
      const atEnd = pre.scrollHeight - pre.scrollTop - pre.clientHeight < 30;
      code.replaceChildren(...markIds(text, ids));
      if (atEnd && /"type":/.test(text)) pre.scrollTop = pre.scrollHeight;
    },
  };
}

/** Text and ids go in, nodes come out: each id that is a whole value is marked in the colour of its session. */
export function markIds(text, ids) {
  const quoted = [...new Set(ids)].map((id) => id.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  if (quoted.length === 0) return [text];
  return text
    .split(new RegExp(`(?<=[" ])(${quoted.join('|')})(?="|\n|$)`))
    .map((part) =>
      ids.includes(part) ? el('mark', { style: `--hue: ${hueOf(part)}` }, part) : part,
    );
}

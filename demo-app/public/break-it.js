/** The cases go in, a button each comes out: one click breaks something, shows the answer, and proves that the server serves. */
import { CASES, ordinary } from './break-cases.js';
import { byId, el, toText } from './dom.js';
import { exchange } from './exchange.js';
import { subscribe } from './store.js';
import { pretty } from './wire.js';

const SHOWN_BODY = 600;

export function wireBreakIt() {
  byId('break-buttons').append(
    ...CASES.map((each) => {
      const button = el('button', { type: 'button', 'data-case': each.name }, each.label);
      button.addEventListener('click', () => breakIt(each, button));
      return button;
    }),
  );
}

async function breakIt(each, button) {
  const outcome = byId('break-outcome');
  outcome.dataset.state = 'running';
  outcome.dataset.case = each.name;
  for (const other of byId('break-buttons').children) other.disabled = true;
  const turn = each.leaves ? await leave(each.request) : await ask(each.request);
  const after = await ask(ordinary);
  const serves = after.state === 'done';
  const answer = each.leaves ? await lastWords(turn) : toText(turn.reply);
  outcome.replaceChildren(
    el('h3', {}, each.label),
    el('p', { className: 'hint' }, each.look),
    el(
      'div',
      { className: 'columns' },
      pane('Sent', sent(turn.request)),
      pane(heading(turn, each), answer),
    ),
    el(
      'p',
      { className: 'count', 'data-ok': serves },
      `Right after, an ordinary request: ${after.status ?? 'no answer'}. `,
      serves ? 'The server still serves.' : 'The server does not serve.',
    ),
  );
  outcome.dataset.state = 'done';
  button.dataset.done = serves;
  for (const other of byId('break-buttons').children) other.disabled = false;
  button.focus();
}

const facts = { kind: 'break' };
const ask = (request) => exchange(request, facts).done;

/** Leaves in the middle of the stream. */
function leave(request) {
  const running = exchange(request, facts, ({ type }) => {
    if (type === 'message.delta') running.stop();
  });
  return running.done;
}

/** What the server's span says of a run whose client is gone: it comes when the engine has let go. */
function lastWords(turn) {
  const find = () =>
    [...turn.spans.values()].find(
      ({ name, state }) => /^invoke_agent/.test(name) && state === 'ended',
    );
  return new Promise((resolve) => {
    const look = () => {
      const span = find();
      if (!span) return false;
      const { name, ms, session_id, attributes } = span;
      const said = { name, ms: Math.round(ms), session_id, 'error.type': attributes['error.type'] };
      resolve(`The span of the run, as the server ended it:\n\n${toText(said)}`);
      return true;
    };
    if (!look()) subscribe((changed) => changed === turn && look());
  });
}

const heading = (turn, { leaves }) =>
  leaves ? `Left after ${turn.events.length} events` : turn.status;

function sent({ method, path, headers, body }) {
  const text = pretty(body);
  const cut =
    text.length > SHOWN_BODY ? `${text.slice(0, SHOWN_BODY)}… (${body.length} bytes)` : text;
  return `${method} ${path}\ncontent-type: ${headers['content-type']}\n\n${cut}`;
}

const pane = (title, text) =>
  el(
    'div',
    { className: 'pane' },
    el('h4', {}, title),
    el('pre', { tabIndex: 0 }, el('code', {}, text)),
  );

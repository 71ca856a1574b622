/** The form goes in, a turn comes out: sends it, shows its request beforehand, and keeps the id to continue under. */
import { byId, el } from './dom.js';
import { exchange, readOn, runIdOf } from './exchange.js';
import { toEnvelopeMessages } from './history.js';
import { newSession, toCurl, toRequest } from './request.js';
import { showTurns } from './results.js';
import { allTurns, select, selected, sessionOf, turnsOf } from './store.js';

const REMEMBERED = 'session_id';
const form = byId('form');
const { message, session, engine, model, parameters, plain } = form.elements;
const status = byId('status');
let running;

export const say = (text) => {
  status.textContent = text;
};

/** What the form says; `undefined` while its JSON is none. */
export function readForm() {
  const problem = byId('parameters-problem');
  problem.textContent = '';
  let more;
  try {
    more = JSON.parse(parameters.value.trim() || '{}');
  } catch {
    problem.textContent = 'This is not JSON.';
    return undefined;
  }
  return {
    message: message.value,
    session: session.value,
    parameters: { engine: engine.value, ...(model.value && { model: model.value }), ...more },
    reply: form.elements.reply.value,
    plain: plain.checked,
  };
}

/** The same id continues the conversation that is shown; any other one starts afresh. */
function history(id) {
  const turn = selected();
  if (!turn || !id || (sessionOf(turn) !== id && turn.sent !== id)) return [];
  return toEnvelopeMessages(turn.plain ? [turn] : turnsOf(id));
}

export async function send() {
  const values = readForm();
  if (values === undefined || running) return;
  const facts = {
    plain: values.plain,
    sent: values.session.trim() || undefined,
    message: values.message,
    engine: values.parameters.engine,
  };
  const request = toRequest(values, history(values.session));
  const { turn, done } = begin(exchange(request, facts));
  select(turn);
  say('Sending …');
  renderSend();
  byId('stop').focus();
  showTurns();
  bringResultIntoView();
  await done;
  if (turn.returned && !turn.plain) localStorage.setItem(REMEMBERED, turn.returned);
  if (document.activeElement === byId('stop') || document.activeElement === document.body)
    // The answer stays in sight.
    message.focus({ preventScroll: true });
}

/** One at a time, which Stop ends. */
function begin(following) {
  running = following;
  const done = following.done.then((turn) => {
    running = undefined;
    say(outcome(turn));
    renderSend();
  });
  return { turn: following.turn, done };
}

/** What a reload has cut, and goes on elsewhere. */
function goOn(runs) {
  const turn = allTurns().findLast(({ state, via }) => state === 'running' && via !== 'chat');
  if (!turn) return;
  begin(readOn(turn, runs));
  say('Reading on …');
}

/** On a phone the results stand below the form: from Stop on, they are in sight. */
function bringResultIntoView() {
  const { top } = byId('results').getBoundingClientRect();
  if (top > innerHeight / 2) byId('actions').scrollIntoView();
}

function outcome(turn) {
  const under = turn.returned ? ` under ${turn.returned}` : '';
  if (turn.state === 'done') return `Answered${under}.`;
  if (turn.state === 'stopped') {
    return runIdOf(turn) ? 'Left: the run goes on.' : 'Stopped: the engine was told.';
  }
  return turn.problem ? `${turn.problem.code}: ${turn.problem.title}` : turn.answer;
}

/** What depends on the form or on the turn that is shown. */
export function renderSend() {
  const turn = selected();
  const id = turn && !turn.plain ? sessionOf(turn) : undefined;
  byId('submit').disabled = running !== undefined;
  byId('stop').disabled = running === undefined;
  byId('continue').disabled = id === undefined || id === session.value;
  byId('session-remembered').disabled = localStorage.getItem(REMEMBERED) === null;
  model.disabled = engine.value === 'rivet';
  if (model.disabled) model.value = '';
  const values = readForm();
  if (values) byId('curl').textContent = toCurl(toRequest(values, history(values.session)));
}

function setSession(id) {
  session.value = id;
  renderSend();
  message.focus();
}

/** What the chat has begun goes on here. */
export function followChat() {
  if (selected()?.via === 'chat') session.value = selected().sent;
  renderSend();
}

export function wireForm({ models, engines, runs }) {
  for (const option of [...engine.options]) {
    if (!engines.includes(option.value)) option.remove();
  }
  goOn(runs);
  // After a reload: the conversation that is shown goes on.
  session.value = selected()?.returned ?? '';
  model.append(
    ...[...models, ...(models.length > 0 ? ['faux'] : [])].map((name) =>
      el('option', { value: name }, name),
    ),
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    send();
  });
  form.addEventListener('input', renderSend);
  message.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && (event.metaKey || event.ctrlKey)) form.requestSubmit();
  });
  byId('suggestions').addEventListener('click', ({ target }) => {
    if (target.type !== 'button') return;
    message.value = target.textContent;
    setSession(session.value);
  });
  byId('stop').addEventListener('click', () => running?.stop());
  byId('session-empty').addEventListener('click', () => setSession(''));
  byId('session-new').addEventListener('click', () => setSession(newSession()));
  byId('session-remembered').addEventListener('click', () =>
    setSession(localStorage.getItem(REMEMBERED)),
  );
  byId('continue').addEventListener('click', () => setSession(sessionOf(selected())));
  byId('new-conversation').addEventListener('click', () => {
    select(undefined);
    setSession('');
  });
  byId('copy').addEventListener('click', async () => {
    await navigator.clipboard.writeText(byId('curl').textContent);
    say('The curl line is in the clipboard.');
  });
}

/** A page of the demo goes in, what a person does on it and what they see comes out. It waits for conditions, never for time. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';

export function drive(page) {
  const field = (label) => page.getByLabel(label, { exact: true });
  const button = (name) => page.getByRole('button', { name, exact: true });
  const newest = () => page.locator('#turns > li').first();

  /** Fills in the form; what is not named stays. */
  async function fill({ message, session, engine, reply, plain, parameters }) {
    if (message !== undefined) await field('Message').fill(message);
    if (session !== undefined) await field('Session id').fill(session);
    if (engine !== undefined) await field('Engine').selectOption(engine);
    if (reply !== undefined) await page.locator(`input[value="${reply}"]`).check();
    if (plain !== undefined) await page.locator('#plain').setChecked(plain);
    if (parameters !== undefined) {
      await page.locator('details.more').evaluate((details) => {
        details.open = true;
      });
      await page.locator('#parameters').fill(parameters);
    }
  }

  /** Does what begins a turn, and returns its card when it has begun. */
  async function begun(act) {
    const before = await newest()
      .getAttribute('data-trace', { timeout: 1 })
      .catch(() => null);
    await act();
    await page.waitForFunction((old) => {
      const trace = document.querySelector('#turns > li')?.dataset.trace;
      return trace !== undefined && trace !== old;
    }, before);
    const trace = await newest().getAttribute('data-trace');
    return page.locator(`#turns > li[data-trace="${trace}"]`);
  }

  async function send(values = {}) {
    await fill(values);
    return begun(() => button('Send').click());
  }

  /** Until the turn is over and each of its spans has ended. */
  async function settled(card, state = 'done', least = 4) {
    const trace = await card.getAttribute('data-trace');
    await page.waitForFunction(
      ([trace, state, least]) => {
        const card = document.querySelector(`#turns > li[data-trace="${trace}"]`);
        const rows = [...card.querySelectorAll('.span')];
        const open = rows.filter((row) => row.dataset.state === 'open');
        return card.dataset.state === state && rows.length >= least && open.length === 0;
      },
      [trace, state, least],
    );
    return card;
  }

  const ask = async (values, least) => settled(await send(values), 'done', least);

  /** Each row of a turn: its name, its service, and the ids it shows. */
  const rows = (card) =>
    card.locator('.span').evaluateAll((all) =>
      all.map((row) => ({
        name: row.querySelector('.name').textContent,
        service: row.dataset.service,
        state: row.dataset.state,
        standing: row.dataset.standing,
        session: row.querySelector('[data-session]')?.dataset.session,
        own: row.querySelector('[data-engine-session]')?.dataset.engineSession,
        isMarkedMissing: row.classList.contains('without'),
      })),
    );

  /** Each span row of the turn shows this one id. */
  async function assertCarries(card, id) {
    const all = await rows(card);
    assert.ok(all.length >= 4, `only ${all.length} spans`);
    for (const { name, session } of all) assert.equal(session, id, `${name} shows ${session}`);
    assert.match(await card.locator('.count').textContent(), /^All \d+ spans carry the same id$/);
    return all;
  }

  /** A request that this page did not send. Its card shows when the page has nothing selected. */
  function sendFromElsewhere(path, body) {
    const trace = randomUUID().replaceAll('-', '');
    const headers = {
      'content-type': 'application/json',
      traceparent: `00-${trace}-${trace.slice(16)}-01`,
    };
    const request = { method: 'POST', headers, body: JSON.stringify(body) };
    const reply = fetch(new URL(path, page.url()), request).then((response) => response.text());
    return { card: page.locator(`#turns > li[data-trace="${trace}"]`), reply };
  }

  const pane = (title) => page.locator(`#wire [aria-label="${title}"]`).textContent();
  const tab = (name) => page.getByRole('tab', { name, exact: true });

  return {
    page,
    field,
    button,
    newest,
    fill,
    begun,
    send,
    sendFromElsewhere,
    settled,
    ask,
    rows,
    assertCarries,
    pane,
    tab,
  };
}

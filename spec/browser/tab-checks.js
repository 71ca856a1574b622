/** What holds of the page in several tabs. */
import assert from 'node:assert/strict';
import { drive } from './page-driver.js';

/** A browser opens six connections to a host: with one more, a feed for each tab would leave none for a request. */
const TABS = 7;

export const tabChecks = [
  [
    `${TABS} tabs at once: each sends, and each sees the spans of the others`,
    async ({ page, browser }) => {
      const context = await browser.newContext();
      context.setDefaultTimeout(10_000);
      const drivers = [];
      for (let i = 1; i <= TABS; i += 1) {
        const tab = await context.newPage();
        await tab.goto(page.url());
        await tab.locator('body[data-ready]').waitFor();
        drivers.push(drive(tab));
      }
      const values = { message: 'What time is it?', engine: 'remote', reply: 'json' };
      for (const [i, { ask, assertCarries }] of [...drivers.entries()].slice(-2)) {
        await assertCarries(await ask({ ...values, session: `conv-tab-${i}` }, 8), `conv-tab-${i}`);
      }
      const item = drivers[0].page.locator('#conversations button', { hasText: 'conv-tab-6' });
      await item.click();
      await drivers[0].page
        .locator('#turns [data-session="conv-tab-6"] .count', { hasText: /^All \d+ spans/ })
        .waitFor();
      for (const service of ['gateway', 'runner']) {
        const light = drivers[TABS - 1].page.locator(`[data-feed="${service}"]`);
        assert.equal(await light.getAttribute('data-state'), 'there');
      }
      await context.close();
    },
  ],
];

export const reloadChecks = [
  [
    'a reload keeps the conversations: the one that is shown, its texts, its spans and its colours',
    async ({ page, button, field, ask }) => {
      await button('New conversation').click();
      const values = { engine: 'pi', reply: 'ndjson', plain: false };
      await ask({ ...values, session: 'conv-kept', message: 'What time is it?' });
      await ask({ ...values, message: 'Hello' });
      await button('New conversation').click();
      await ask({ ...values, session: 'conv-newer', message: 'Hello' });
      await page.locator('#conversations button', { hasText: 'conv-kept' }).click();
      await page
        .locator('#turns [data-session="conv-kept"] .count[data-ok="true"]')
        .nth(1)
        .waitFor();
      const seen = () =>
        page.evaluate(() => ({
          shown: document.querySelector('#conversations [aria-current="true"]').textContent,
          list: document.querySelector('#conversations').textContent,
          said: [...document.querySelectorAll('#turns .said')].map(
            ({ textContent }) => textContent,
          ),
          counts: [...document.querySelectorAll('#turns .count')].map((each) => each.textContent),
          wire: document.querySelector('#wire').textContent,
          colours: [...document.querySelectorAll('#turns .chip')].map(({ style, textContent }) => [
            textContent,
            style.cssText,
          ]),
        }));
      const before = await seen();
      assert.equal(before.said.length, 4);
      await page.reload();
      await page.locator('body[data-ready]').waitFor();
      await page.waitForFunction(
        (counts) =>
          [...document.querySelectorAll('#turns .count')].map((each) => each.textContent).join() ===
          counts.join(),
        before.counts,
      );
      assert.deepEqual(await seen(), before);
      assert.equal(await field('Session id').inputValue(), 'conv-kept');
    },
  ],
  [
    'a reload in the middle of a turn keeps what was said, and stops the engine',
    async ({ page, button, send, newest, settled }) => {
      await button('New conversation').click();
      const card = await send({
        session: 'conv-cut',
        message: 'Hello',
        engine: 'pi',
        reply: 'ndjson',
      });
      await card.locator('.agent', { hasText: 'You' }).waitFor();
      await page.reload();
      await page.locator('body[data-ready]').waitFor();
      await settled(newest(), 'stopped', 3);
      assert.equal(await newest().locator('.you').textContent(), 'Hello');
      assert.match(await newest().locator('.agent').textContent(), /^You/);
    },
  ],
];

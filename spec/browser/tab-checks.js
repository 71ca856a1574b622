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

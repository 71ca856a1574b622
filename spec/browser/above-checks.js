/** What a person sees without scrolling, and what they can open. */
import assert from 'node:assert/strict';

const isInView = (locator) =>
  locator.evaluate((element) => {
    const { top, height } = element.getBoundingClientRect();
    return height > 0 && top >= 0 && top + Math.min(height, 40) <= innerHeight;
  });

export const aboveChecks = [
  [
    'the top says what problem this solves, in real spans of before and after',
    async ({ page }) => {
      const sum = (plain) => page.locator(`#picture [data-plain="${plain}"] .count`);
      await sum(false).and(page.locator('[data-ok="true"]')).waitFor();
      assert.match(await sum(false).textContent(), /^1 id on \d+ spans: one conversation$/);
      assert.match(await sum(true).textContent(), /^2 different ids on \d+ spans, and 4 of them/);
      assert.ok((await page.locator('#picture .span[data-standing="carried"]').count()) >= 8);
      await page.setViewportSize({ width: 1280, height: 900 });
      await page.evaluate(() => scrollTo(0, 0));
      assert.ok(await isInView(page.locator('#picture')));
    },
  ],
  ...['Watch', 'On the wire', 'Compare', 'Break it'].map((name) => [
    `“${name}” is reached without scrolling, by its tab and by its link`,
    async ({ page, tab }) => {
      await page.setViewportSize({ width: 1280, height: 900 });
      await page.evaluate(() => scrollTo(0, 0));
      assert.ok(await isInView(tab(name)));
      const panel = page.locator(`#${await tab(name).getAttribute('aria-controls')}`);
      await tab(name).click();
      assert.ok(await panel.isVisible());
      assert.equal(await page.locator('#results [role="tabpanel"]:visible').count(), 1);
      await tab(name).press('ArrowRight');
      assert.ok(await panel.isHidden());
      await page.getByRole('navigation').getByText(name, { exact: true }).click();
      await panel.waitFor();
    },
  ]),
  [
    'on a phone the answer is in sight of the button, and so is Stop',
    async ({ page, button, send, settled }) => {
      await page.setViewportSize({ width: 380, height: 800 });
      await button('New conversation').click();
      const card = await send({
        message: 'Hello',
        session: 'conv-phone',
        engine: 'pi',
        reply: 'ndjson',
        plain: false,
      });
      await card.locator('.agent', { hasText: 'You' }).waitFor();
      assert.ok(await isInView(card.locator('.agent')));
      assert.ok(await isInView(button('Stop')));
      await settled(card);
      assert.ok(await isInView(card.locator('.agent')), 'not when it is over');
    },
  ],
  [
    'a long message is clamped, and can be opened',
    async ({ page, button, ask }) => {
      await page.setViewportSize({ width: 1280, height: 900 });
      await button('New conversation').click();
      const card = await ask({
        message: `The time? ${'So long! '.repeat(300)}`,
        session: 'conv-long',
        engine: 'pi',
        reply: 'json',
      });
      const text = card.locator('.said.you p');
      const height = () => text.evaluate((element) => element.clientHeight);
      const clamped = await height();
      await card.locator('.said.you').getByRole('button', { name: 'Show all' }).click();
      assert.ok((await height()) > clamped);
      assert.ok(await text.evaluate((element) => element.scrollHeight <= element.clientHeight + 1));
      await card.locator('.said.you').getByRole('button', { name: 'Show less' }).click();
      assert.equal(await height(), clamped);
    },
  ],
];

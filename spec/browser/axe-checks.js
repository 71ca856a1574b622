/** What axe finds, in each colour scheme and each width that has a layout of its own: nothing. */
import assert from 'node:assert/strict';

export const axeChecks = ['light', 'dark'].flatMap((colorScheme) =>
  [380, 800, 1280].map((width) => [
    `axe finds nothing, ${colorScheme}, at a width of ${width}`,
    async ({ page, axe, tab }) => {
      const look = async (name) => {
        const { violations } = await page.evaluate(() => globalThis.axe.run());
        const found = violations.flatMap(({ id, nodes }) =>
          nodes.map(({ html, failureSummary }) => `${id}: ${html}\n${failureSummary}`),
        );
        assert.deepEqual(found, [], name);
      };
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: 900 });
      if (!(await page.evaluate(() => 'axe' in globalThis))) await page.addScriptTag({ path: axe });
      for (const name of ['Break it', 'Compare', 'On the wire', 'Watch']) {
        await tab(name).click();
        await look(name);
      }
      await tab('Chat with useChat').click();
      await page.getByLabel('Your message', { exact: true }).waitFor();
      await look('Chat');
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(wide <= width, `the chat is ${wide} wide`);
      await tab('Send an envelope').click();
    },
  ]),
);

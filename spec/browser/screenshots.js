/** A browser and the demo's URL go in; pictures of the page after a conversation come out, light and dark. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { drive } from './page-driver.js';

const MAX_BYTES = 300_000;
const SIZE = { width: 1280, height: 1100 };

export async function takeScreenshots(browser, url, folder) {
  const page = await browser.newPage({ viewport: SIZE, colorScheme: 'light' });
  await page.goto(url);
  await page.locator('body[data-ready]').waitFor();
  const { ask, button } = drive(page);
  await ask({ message: 'Add 2 and 40', session: '', engine: 'pi', reply: 'json' });
  await button('New conversation').click();
  await ask(
    { message: 'What time is it?', session: 'conv-42', engine: 'remote', reply: 'ndjson' },
    9,
  );
  await ask({ message: 'Who knows my id?' }, 8);
  await page.locator('#picture .count[data-ok="true"]', { hasText: '8 spans' }).waitFor();
  await page.locator('#turns .count[data-ok="true"]').first().waitFor();
  await page.evaluate(() => scrollTo(0, 0));
  const pictures = [];
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    const file = join(folder, `${colorScheme}.png`);
    await page.screenshot({ path: file });
    const bytes = statSync(file).size;
    if (bytes > MAX_BYTES) throw new Error(`${file} has ${bytes} bytes`);
    pictures.push({ file, bytes });
  }
  await page.close();
  return pictures;
}

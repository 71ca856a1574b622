/** What holds of `npm run demo:queue` without a browser; `npm run test:browser` drives its page. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

it('says how to get redis-server where there is none, and ends', () => {
  const script = fileURLToPath(new URL('../demo-app/start-queue.js', import.meta.url));
  const env = { ...process.env, PATH: '' };
  const { status, stdout, stderr } = spawnSync(process.execPath, [script], { env });
  expect([status, String(stdout)]).toEqual([1, '']);
  expect(String(stderr)).toMatch(/needs redis-server[\s\S]*apt-get install redis-server/);
});

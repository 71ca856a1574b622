/** Runs the packed package everywhere Express runs: a line for each check, and for each platform that this machine lacks. */
import { pack, report, workspace } from './consumer.js';
import { bundles } from './platforms/bundles.js';
import { http2 } from './platforms/http2.js';
import { installPlatforms } from './platforms/install.js';
import { lambda } from './platforms/lambda.js';
import { nest } from './platforms/nest.js';
import { nginx } from './platforms/nginx.js';
import { runtimes } from './platforms/runtimes.js';

/** `npm run test:platforms -- Bun esbuild`: only those whose title has one of the words. */
const words = process.argv.slice(2);
const platforms = [...runtimes, ...http2, ...lambda, ...nest, ...nginx, ...bundles].filter(
  ({ title }) => words.length === 0 || words.some((word) => title.includes(word)),
);

const folder = await installPlatforms(pack(workspace()));
const lacking = platforms.map(({ lacks }) => lacks?.(folder));
const here = platforms.filter((_, i) => lacking[i] === undefined);

/** Starts the platform with its first check and stops it after its last; a start that fails fails them all. */
function checksOf({ title, checks, start }) {
  let platform;
  return checks.map(([what, check], i) => [
    `${title}: ${what}`,
    async () => {
      if (i === 0) platform = await start(folder);
      if (platform === undefined) throw new Error('not started');
      try {
        await check(platform.send, platform);
      } finally {
        if (i === checks.length - 1) await platform.stop?.();
      }
    },
  ]);
}

platforms.forEach(({ title }, i) => {
  if (lacking[i] !== undefined) console.log(`  unavailable  ${title}: ${lacking[i]}`);
});
console.log(`${platforms.length - here.length} of ${platforms.length} platforms unavailable`);
await report('test:platforms', here.flatMap(checksOf));

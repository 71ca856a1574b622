/**
 * How large the package is, packed, unpacked and installed with Express, each against a budget: over it the check fails. A budget is
 * a little above what was measured when it was set; it goes down when the package does, and up only with a reason in the commit.
 */
import { lstatSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pack, project, report, workspace } from './consumer.js';

const BUDGETS_KB = { packed: 365, unpacked: 1_245, 'installed with express': 5_615 };

const root = workspace();
const tarball = pack(root);
const folder = await project(join(root, 'size'), {
  dependencies: { 'express-agent-envelope': `file:${tarball}`, express: '^5.0.0' },
});
const modules = join(folder, 'node_modules');
const sizes = {
  packed: statSync(tarball).size,
  unpacked: bytesIn(join(modules, 'express-agent-envelope')),
  'installed with express': bytesIn(modules),
};
await report(
  'test:size',
  Object.entries(sizes).map(([what, bytes]) => {
    const kb = Math.ceil(bytes / 1000);
    const budget = BUDGETS_KB[what];
    return [
      `${what}: ${kb} kB of ${budget}`,
      () => {
        if (kb > budget) throw new Error(`${kb - budget} kB over the budget`);
      },
    ];
  }),
);

function bytesIn(directory) {
  return readdirSync(directory, { withFileTypes: true }).reduce((sum, entry) => {
    const path = join(directory, entry.name);
    return sum + (entry.isDirectory() ? bytesIn(path) : lstatSync(path).size);
  }, 0);
}

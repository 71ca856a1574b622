/** Installs exactly what the lock file says where it is missing or out of date, so that each npm command is a whole set-up. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';

const LOCK = new URL('../package-lock.json', import.meta.url);
const STAMP = new URL('../node_modules/.installed', import.meta.url);
const QUIET = ['--no-audit', '--no-fund', '--loglevel=error'];

const wanted = createHash('sha256').update(readFileSync(LOCK)).digest('hex');
if (wanted !== installed()) {
  console.log('Installing dependencies ...');
  // Nothing here needs its install script (see `allowScripts` in package.json); an npm that does not read that would run them.
  execFileSync('npm', ['ci', '--ignore-scripts', ...QUIET], {
    cwd: new URL('..', import.meta.url),
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  writeFileSync(STAMP, wanted);
}

function installed() {
  try {
    return readFileSync(STAMP, 'utf8');
  } catch {
    return undefined;
  }
}

/** Installs the locked dependencies where they are missing or out of date, so that each npm command is a whole set-up. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';

const LOCK = new URL('../package-lock.json', import.meta.url);
const STAMP = new URL('../node_modules/.installed', import.meta.url);

const wanted = createHash('sha256').update(readFileSync(LOCK)).digest('hex');
if (wanted !== installed()) {
  console.log('Installing dependencies ...');
  // Not `npm ci`: it refuses a lock file made where the optional binaries of other platforms were not to be had.
  execFileSync('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'], {
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

/** Makes the packed package and small projects that install it, as a user would. Shared by the scripts that test from outside. */
import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const CACHE = join(ROOT, '.cache');
const run = promisify(execFile);

/** A temporary folder that is removed when the process ends. */
export function workspace() {
  const folder = mkdtempSync(join(tmpdir(), 'express-agent-envelope-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Packs the built package into `folder`; returns the tarball's path. */
export function pack(folder) {
  const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', folder];
  const output = execFileSync('npm', args, {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return join(folder, readName(output));
}

function readName(output) {
  const packed = JSON.parse(output);
  const [first] = Array.isArray(packed) ? packed : Object.values(packed);
  return first.filename;
}

/** Creates a project with these dependencies and files, installs it, and returns its folder. */
export async function project(folder, { dependencies, files = {}, manifest = {} }) {
  mkdirSync(folder, { recursive: true });
  const packageJson = { name: 'consumer', private: true, ...manifest, dependencies };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(packageJson, null, 2));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  await run(
    'npm',
    ['install', '--no-audit', '--no-fund', '--no-package-lock', '--ignore-scripts'],
    {
      cwd: folder,
    },
  );
  return folder;
}

/** A folder under the cache whose name says what is in it; made once. */
export async function cached(name, versions) {
  const key = createHash('sha256')
    .update(JSON.stringify([process.version, versions]))
    .digest('hex');
  const folder = join(CACHE, `${name}-${key.slice(0, 16)}`);
  if (existsSync(folder)) return folder;
  // Under another name until it is complete: an install that was broken off is none.
  const making = `${folder}.making`;
  rmSync(making, { recursive: true, force: true });
  await project(making, { dependencies: versions, manifest: { type: 'module' } });
  renameSync(making, folder);
  return folder;
}

/** Runs a program in `cwd`; resolves with what it printed, rejects with what it complained about. */
export async function output(program, args, cwd, { env = process.env, timeout = 180_000 } = {}) {
  const { stdout } = await run(program, args, {
    cwd,
    env,
    timeout,
    maxBuffer: 64 * 1024 * 1024,
  });
  return stdout;
}

/** The version range that this project's own lock file has settled on. */
export function locked(name) {
  const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'));
  return lock.packages[`node_modules/${name}`].version;
}

/** Runs named checks, prints a line each and the totals, and sets the exit code. */
export async function report(title, checks) {
  let failed = 0;
  for (const [name, check] of checks) {
    try {
      await check();
      console.log(`  ok    ${name}`);
    } catch (error) {
      failed += 1;
      console.log(`  FAIL  ${name}\n${error.stderr || error.stack}`);
    }
  }
  console.log(`${title}: ${checks.length - failed} passed, ${failed} failed`);
  if (failed > 0) process.exitCode = 1;
}

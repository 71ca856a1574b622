/** The packages that ours is compared with: exact versions, installed once into `.cache/bench`, none of them a dependency of the project. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { locked } from '../scripts/consumer.js';

const FOLDER = fileURLToPath(new URL('../.cache/bench', import.meta.url));

/** The newest that run on Node 20. The API must be the project's own: a newer one finds no global of an older. */
const VERSIONS = {
  '@arizeai/openinference-core': '2.7.1',
  '@langfuse/otel': '5.11.1',
  '@langfuse/tracing': '5.11.1',
  '@opentelemetry/api': locked('@opentelemetry/api'),
  '@opentelemetry/baggage-span-processor': '0.5.0',
  'express-openapi-validator': '5.6.2',
};
const STAMP = join(FOLDER, '.installed');

/** `require` of the packages that ours is compared with. */
export const requireOthers = createRequire(join(FOLDER, 'package.json'));

/** Installs what is missing. Peers are left out: they are found above, in the project, so that everything runs on one Express. */
export function installOthers() {
  const wanted = JSON.stringify(VERSIONS);
  if (wanted === installed()) return;
  console.log('Installing the packages to compare with ...');
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(
    join(FOLDER, 'package.json'),
    JSON.stringify({ private: true, dependencies: VERSIONS }),
  );
  const flags = ['--no-audit', '--no-fund', '--no-package-lock', '--ignore-scripts'];
  execFileSync('npm', ['install', ...flags, '--legacy-peer-deps', '--loglevel=error'], {
    cwd: FOLDER,
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

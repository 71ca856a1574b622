import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/**
 * A spec that imports Express runs on both majors, any other once. The source of the spec says which it is, so there is no list
 * to keep: `^express$` stands for the major of the project, and where a spec runs once, for a module that fails it.
 */
const specs = readdirSync(new URL('spec', import.meta.url), { recursive: true })
  .filter((path) => path.endsWith('.spec.ts'))
  .map((path) => path.replaceAll('\\', '/'));
const importing = (source) =>
  specs
    .filter((path) => source.test(readFileSync(new URL(`spec/${path}`, import.meta.url))))
    .map((path) => `**/spec/${path}`);
const withExpress = importing(/ from 'express';/);

/** npm brings no Redis: where there is none, the specs that start one are left out, and it is said. */
const withRedis = importing(/ from '.*\/redis\.js';/);
const hasRedis = spawnSync('redis-server', ['--version']).status === 0;
if (!hasRedis) {
  const remedy = 'Debian: apt-get install redis-server. `.ci/run` installs it.';
  process.stderr.write(
    `No redis-server here: ${withRedis.length} spec files of the queue are left out. ${remedy}\n`,
  );
}
const leftOut = hasRedis ? [] : withRedis.map((path) => `!${path}`);

const project = (displayName, testMatch, express) => ({
  displayName,
  testMatch: [...testMatch, ...leftOut],
  testEnvironment: 'node',
  // What `test:platforms` installed is no part of this project.
  modulePathIgnorePatterns: ['<rootDir>/.cache/'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '\\.ts$': ['@swc/jest', { jsc: { target: 'es2022', parser: { syntax: 'typescript' } } }],
  },
  moduleNameMapper: {
    '^(\\.{1,2}/.*)\\.js$': '$1',
    // The samples of docs/ import it by its name.
    '^express-agent-envelope$': '<rootDir>/lib/index.ts',
    '^express$': express,
  },
});

export default {
  // Against a spec that hangs, not for one that is slow: real processes start in some.
  testTimeout: 60_000,
  globalSetup: '<rootDir>/spec/fresh-build.js',
  projects: [
    project('express 5', withExpress, 'express'),
    project('express 4', withExpress, 'express4'),
    project(
      'no express',
      ['**/spec/**/*.spec.ts', ...withExpress.map((path) => `!${path}`)],
      '<rootDir>/spec/no-express.cjs',
    ),
  ],
};

import { readdirSync, readFileSync } from 'node:fs';

/**
 * A spec that imports Express runs on both majors, any other once. The source of the spec says which it is, so there is no list
 * to keep: `^express$` stands for the major of the project, and where a spec runs once, for a module that fails it.
 */
const specs = readdirSync(new URL('spec', import.meta.url), { recursive: true })
  .filter((path) => path.endsWith('.spec.ts'))
  .map((path) => path.replaceAll('\\', '/'));
const withExpress = specs
  .filter((path) => / from 'express';/.test(readFileSync(new URL(`spec/${path}`, import.meta.url))))
  .map((path) => `**/spec/${path}`);

const project = (displayName, testMatch, express) => ({
  displayName,
  testMatch,
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

/** Every spec runs against both majors of Express: `express` is mapped to the one that the project names. */
const shared = {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/spec/**/*.spec.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '\\.ts$': ['@swc/jest', { jsc: { target: 'es2022', parser: { syntax: 'typescript' } } }],
  },
};
const relativeJs = {
  '^(\\.{1,2}/.*)\\.js$': '$1',
  // The samples of docs/ import it by its name.
  '^express-agent-envelope$': '<rootDir>/lib/index.ts',
};

export default {
  // Against a spec that hangs, not for one that is slow: real processes start in some.
  testTimeout: 60_000,
  projects: [
    { ...shared, displayName: 'express 5', moduleNameMapper: relativeJs },
    {
      ...shared,
      displayName: 'express 4',
      // The adapters know nothing of Express; `run.spec.ts` does.
      testPathIgnorePatterns: ['spec/engines/(?!run)'],
      moduleNameMapper: { ...relativeJs, '^express$': 'express4' },
    },
  ],
};

/** Every spec runs against both majors of Express: `express` is mapped to the one that the project names. */
const shared = {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/spec/**/*.spec.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '\\.ts$': ['@swc/jest', { jsc: { target: 'es2022', parser: { syntax: 'typescript' } } }],
  },
};
const relativeJs = { '^(\\.{1,2}/.*)\\.js$': '$1' };

export default {
  projects: [
    { ...shared, displayName: 'express 5', moduleNameMapper: relativeJs },
    {
      ...shared,
      displayName: 'express 4',
      moduleNameMapper: { ...relativeJs, '^express$': 'express4' },
    },
  ],
};

/**
 * Jest runs the TypeScript sources as ES modules; workspaces resolve to their sources through the `fuseboard-source`
 * condition.
 */
const transform = {
  '\\.ts$': ['@swc/jest', { jsc: { target: 'es2023', parser: { syntax: 'typescript' } }, module: { type: 'es6' } }],
};
const shared = {
  testEnvironment: 'node',
  testEnvironmentOptions: { customExportConditions: ['fuseboard-source', 'node', 'node-addons'] },
  extensionsToTreatAsEsm: ['.ts'],
  transform,
  modulePathIgnorePatterns: ['/dist/', '/.cache/'],
};
const project = (displayName, roots, testMatch = ['**/*.test.ts']) => ({
  ...shared,
  displayName,
  testMatch: roots.flatMap((root) => testMatch.map((glob) => `<rootDir>/${root}/${glob}`)),
});

export default {
  testTimeout: 30_000,
  projects: [
    project('unit', [
      'crds/schema',
      'agent',
      'compat',
      'operator',
      'examples',
      'fuzz',
      'traffic',
      'simulator',
      'e2e/load',
    ]),
    project('structure', ['test']),
    project('conformance', ['conformance']),
    project('page', ['e2e/page']),
    project('node', ['e2e/node']),
    {
      ...project('e2e', ['e2e']),
      testPathIgnorePatterns: [
        '/node_modules/',
        '<rootDir>/e2e/load/',
        '<rootDir>/e2e/node/',
        '<rootDir>/e2e/page/',
        '<rootDir>/e2e/faults/model/',
      ],
    },
  ],
};

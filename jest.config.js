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
      'e2e/faults/model',
    ]),
    project('structure', ['test']),
    project('conformance', ['conformance']),
    // Real processes; one project a folder.
    project('e2e', ['e2e'], ['*.test.ts']),
    project('command-line', ['e2e/command-line']),
    project('faults', ['e2e/faults'], ['*.test.ts']),
    project('faults-long', ['e2e/faults/long']),
    project('helm', ['e2e/helm']),
    project('page', ['e2e/page']),
    project('node', ['e2e/node']),
  ],
};

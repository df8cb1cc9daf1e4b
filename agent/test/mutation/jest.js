import { fileURLToPath } from 'node:url';

process.env.FUSEBOARD_PROPERTY_RUNS ??= '20';

/**
 * Jest as the mutation tester runs it: few runs of each property, and one file, as each file would load the sources
 * again.
 */
export default {
  rootDir: fileURLToPath(new URL('../../..', import.meta.url)),
  testEnvironment: 'node',
  testEnvironmentOptions: { customExportConditions: ['fuseboard-source', 'node', 'node-addons'] },
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '\\.ts$': ['@swc/jest', { jsc: { target: 'es2023', parser: { syntax: 'typescript' } }, module: { type: 'es6' } }],
  },
  setupFiles: ['<rootDir>/agent/test/property-runs.ts'],
  testMatch: ['<rootDir>/agent/test/mutation/core-tests.ts'],
};

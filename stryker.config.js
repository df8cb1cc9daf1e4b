/** Mutation testing of the core: `npm run mutation`. */
export default {
  mutate: ['agent/src/core/**/*.ts', '!agent/src/core/**/*.test.ts'],
  testRunner: 'jest',
  jest: { projectType: 'custom', configFile: 'agent/test/mutation/jest.js', enableFindRelatedTests: false },
  testRunnerNodeArgs: [
    '--experimental-vm-modules',
    '--conditions=fuseboard-source',
    '--disable-warning=ExperimentalWarning',
  ],
  coverageAnalysis: 'perTest',
  concurrency: 2,
  // Jest keeps every ES module that it ever loaded.
  maxTestRunnerReuse: 60,
  // A mutant that is stopped because the machine is busy would count as found.
  timeoutMS: 30_000,
  incremental: true,
  incrementalFile: '.cache/mutation.json',
  tempDirName: '.cache/mutation',
  cleanTempDir: 'always',
  ignorePatterns: ['*', '!agent/**', '!crds/**', 'agent/dist'],
  // The preprocessor of tsconfig files needs the JavaScript interface of TypeScript, which version 7 has not; nothing
  // here reads a tsconfig.
  tsconfigFile: 'none.json',
  ignoreStatic: true,
  reporters: ['clear-text', 'json', 'html', 'progress'],
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false },
  jsonReporter: { fileName: '.cache/mutation-report.json' },
  htmlReporter: { fileName: '.cache/mutation.html' },
  thresholds: { high: 95, low: 90, break: 90 },
  allowConsoleColors: false,
};

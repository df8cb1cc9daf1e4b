import base from '../../jest.config.js';

const [unit] = base.projects;

/** The tests of the core and of what calls it; they must take every branch of the core. */
export default {
  ...unit,
  rootDir: '../..',
  testMatch: [
    '<rootDir>/agent/src/**/*.test.ts',
    '<rootDir>/agent/test/{breaker-model,edit-keeps-open,scenarios}*.test.ts',
  ],
  collectCoverageFrom: ['agent/src/core/**/*.ts', '!agent/src/core/**/*.test.ts'],
  collectCoverage: true,
  coverageProvider: 'babel',
  coverageDirectory: '.cache/coverage',
  coverageReporters: ['text'],
  coverageThreshold: { global: { branches: 100 } },
};

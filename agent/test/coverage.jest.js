import base from '../../jest.config.js';

const [unit] = base.projects;

/** The unit tests of the agent; every branch of its core must be taken. */
export default {
  ...unit,
  rootDir: '../..',
  testMatch: ['<rootDir>/agent/**/*.test.ts'],
  collectCoverageFrom: ['agent/src/core/**/*.ts', '!agent/src/core/**/*.test.ts'],
  collectCoverage: true,
  coverageProvider: 'babel',
  coverageDirectory: '.cache/coverage',
  coverageReporters: ['text'],
  coverageThreshold: { global: { branches: 100 } },
};

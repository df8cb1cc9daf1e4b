/**
 * What nobody uses: files, exports, types and dependencies. `npm run knip`; part of `npm run check`.
 *
 * What is a public entry follows from the `exports` of each package; a program that is started by its path, by a script
 * or another process, is named here.
 */
import { readFileSync } from 'node:fs';

const manifestOf = (workspace) => JSON.parse(readFileSync(new URL(`${workspace}/package.json`, import.meta.url)));
const { workspaces } = manifestOf('.');

/** The sources that a workspace exports, by subpath. */
const exportsOf = (workspace) =>
  Object.entries(manifestOf(workspace).exports ?? {}).flatMap(([subpath, target]) =>
    target['fuseboard-source'] ? [[subpath, target['fuseboard-source'].slice('./'.length)]] : [],
  );

/** By workspace: programs that are started by their path and named by no script of a package.json, and type tests. */
const PROGRAMS = {
  '.': ['fuzz/differential/node-core.ts'],
  'agent/test': [
    'coverage.jest.js',
    'mutation/*.{js,ts}',
    '{store-member,public-types,package/bundle,clients/fetch-rows}.ts',
  ],
  'agent/bench': ['memory-child.ts', 'service/*.ts'],
  'compat/opossum': ['test/declared.ts'],
  traffic: ['bench/read-one.ts'],
  'operator/web': ['src/main.tsx'],
  e2e: [
    'node/{up.ts,services/*.js}',
    '**/*-main.ts',
    'faults/{agent-worker,fast-clock}.ts',
    'load/{inspect,busy-service}.ts',
  ],
};

/**
 * Packages that are named by strings alone: tools that a test starts, a file that is read, and one that may be absent.
 */
const NAMED = {
  agent: ['@arethetypeswrong/cli', 'next', 'publint', 'typescript-5.4'],
  'agent/test': ['deno'],
  e2e: ['axe-core'],
  operator: ['@fuseboard/simulator'],
};

export default {
  include: ['files', 'dependencies', 'unlisted', 'unresolved', 'exports', 'types', 'enumMembers', 'duplicates'],
  treatConfigHintsAsErrors: true,
  paths: Object.fromEntries(
    workspaces.flatMap((workspace) =>
      exportsOf(workspace).map(([subpath, source]) => [
        `${manifestOf(workspace).name}${subpath.slice(1)}`,
        [`./${workspace}/${source}`],
      ]),
    ),
  ),
  workspaces: Object.fromEntries(
    ['.', ...workspaces].map((workspace) => [
      workspace,
      {
        entry: PROGRAMS[workspace] ?? [],
        project: ['**/*.{ts,tsx,js}'],
        ignoreDependencies: NAMED[workspace] ?? [],
      },
    ]),
  ),
};

import { spawnSync } from 'node:child_process';
import { expect, it } from '@jest/globals';
import { ROOT } from './repository.ts';

it.each([
  ['as the schemas make it', ['--conditions=fuseboard-source', 'crds/schema/generate.ts']],
  ['of the command line as its help says', ['--conditions=fuseboard-source', 'scripts/command-line-reference.ts']],
  ['of the HTTP API as its routes make it', ['--conditions=fuseboard-source', 'operator/generate.ts']],
  ['of dependencies as the lock file makes it', ['scripts/dependencies.ts']],
  ['of the guides as the core does it and the sources read it', ['--conditions=fuseboard-source', 'docs/generate.ts']],
  ['of the chart as definitions and values make it', ['charts/generate.ts']],
  ['of metrics as the registries have them', ['--conditions=fuseboard-source', 'scripts/metrics-reference.ts']],
])('finds every generated file %s', (_how, generate) => {
  const run = spawnSync(process.execPath, [...generate, '--check'], { cwd: ROOT, encoding: 'utf8' });
  expect(run.stderr).toBe('');
  expect(run.status).toBe(0);
});

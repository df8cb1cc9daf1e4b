import { spawnSync } from 'node:child_process';
import { expect, it } from '@jest/globals';
import { ROOT } from './repository.ts';

it('finds every generated file as the schemas make it', () => {
  const generate = ['--conditions=fuseboard-source', 'crds/schema/generate.ts', '--check'];
  const run = spawnSync(process.execPath, generate, { cwd: ROOT, encoding: 'utf8' });
  expect(run.stderr).toBe('');
  expect(run.status).toBe(0);
});

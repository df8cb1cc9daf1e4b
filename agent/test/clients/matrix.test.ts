import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';

it('counts every failure of every client as docs/clients.md says', () => {
  const script = join(import.meta.dirname, 'main.ts');
  const args = [
    '--conditions=fuseboard-source',
    '--disable-warning=ExperimentalWarning',
    script,
    '--check',
    '--offline',
  ];
  const { status, stderr } = spawnSync(process.execPath, args, {
    env: { ...process.env, NODE_OPTIONS: '' },
    encoding: 'utf8',
  });
  expect([status, stderr]).toEqual([0, '']);
}, 240_000);

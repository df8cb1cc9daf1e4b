import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from '@jest/globals';
import { run } from './cluster/run.ts';

const CHARTS = fileURLToPath(new URL('../charts', import.meta.url));

it('has rules that promtool accepts', async () => {
  const rules = join(CHARTS, 'fuseboard/rules');
  const files = (await readdir(rules)).map((file) => join(rules, file));
  expect(files.length).toBeGreaterThan(0);
  expect(await run('promtool', ['check', 'rules', '--lint=all', '--lint-fatal', ...files])).toMatch(/SUCCESS/);
});

it('has alerts that fire and resolve, and records what it says', async () => {
  const files = (await readdir(CHARTS)).filter((file) => file.endsWith('.test.yaml'));
  expect(files).toEqual(['alerts.test.yaml', 'recording.test.yaml']);
  await run('promtool', ['test', 'rules', ...files], { cwd: CHARTS });
});

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { ROOT } from './repository.ts';

const page = readFileSync(join(ROOT, 'docs/threat-model.md'), 'utf8');
const rows = page.split('\n').filter((line) => /^\|.*\|$/.test(line) && !/^\|(-|\s*(threat|asset) )/.test(line));
const threats = rows.filter((row) => row.split('|').length === 6);

it('names for each threat a test that is there under this name', () => {
  expect(threats.length).toBeGreaterThan(25);
  for (const row of threats) {
    const tests = [...row.matchAll(/`([^`]+\.test\.ts)` "([^"]*)"/g)];
    expect([row, tests.length > 0]).toEqual([row, true]);
    for (const [, path, title] of tests) {
      expect([path, existsSync(join(ROOT, path!))]).toEqual([path, true]);
      const told = readFileSync(join(ROOT, path!), 'utf8').includes(title!);
      expect([path, title, title !== '' && told]).toEqual([path, title, true]);
    }
  }
});

it('gives each threat a kind', () => {
  for (const row of threats) expect(row.split('|')[2]!.trim()).toMatch(/^[STRIDE](, [STRIDE])*$/);
});

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { DIFFERENCES } from './differences.ts';

const workspace = join(import.meta.dirname, '..');
const blocks = (path: string, language: string) => {
  const text = readFileSync(join(workspace, path), 'utf8');
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(([, block]) => block!);
};
const programs = [...blocks('README.md', 'js'), ...blocks('../../docs/from-opossum.md', 'ts')];

it.each(programs)('prints what the documents say: %s', (program) => {
  const told = [...program.matchAll(/console\.log\(.*\);? \/\/ (.*)$/gm)].map(([, output]) => output);
  const flags = [
    '--conditions=fuseboard-source',
    '--disable-warning=ExperimentalWarning',
    '--input-type=module-typescript',
  ];
  const env = { ...process.env, NODE_OPTIONS: '', FUSEBOARD_URL: '' };
  const options = { cwd: workspace, env, encoding: 'utf8' as const };
  const { stdout, stderr } = spawnSync(process.execPath, [...flags, '-e', program], options);
  expect(told.length).toBeGreaterThan(0);
  expect(stderr).toBe('');
  expect(stdout.trim().split('\n').sort()).toEqual(told.sort());
});

describe('the page for those who come from opossum', () => {
  const page = readFileSync(join(workspace, '../../docs/from-opossum.md'), 'utf8');

  it('lists every difference with its reason', () => {
    const rows = Object.entries(DIFFERENCES).map(([what, { reason }]) => `| ${what} | ${reason} |`);
    expect(rows.filter((row) => !page.includes(row))).toEqual([]);
  });
});

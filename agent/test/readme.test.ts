import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';

const workspace = join(import.meta.dirname, '..');
const readme = readFileSync(join(workspace, 'README.md'), 'utf8');
const blocks = [...readme.matchAll(/^```js\n(.*?)^```/gms)].map(([, text]) => text!);

it('shows programs', () => {
  expect(blocks.length).toBeGreaterThanOrEqual(4);
});

it.each(blocks)('runs as the readme says: %s', (program) => {
  const outputs = [...program.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)].map(([, output]) => output);
  const flags = ['--conditions=fuseboard-source', '--disable-warning=ExperimentalWarning', '--input-type=module'];
  const env = { ...process.env, NODE_OPTIONS: '', FUSEBOARD_URL: '' };
  const output = execFileSync(process.execPath, [...flags, '-e', program], { cwd: workspace, env, encoding: 'utf8' });
  expect(output.trim().split('\n').filter(Boolean)).toEqual(outputs);
});

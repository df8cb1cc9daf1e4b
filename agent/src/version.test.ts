import { readFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import { AGENT_VERSION } from './version.ts';

it('recordings and the link name the version of the package', () => {
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as object;
  expect(manifest).toMatchObject({ version: AGENT_VERSION });
});

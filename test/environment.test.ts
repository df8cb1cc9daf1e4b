import { expect, it } from '@jest/globals';
import { read, sources } from './repository.ts';

it('the reference of the environment names all that agent and operator read', () => {
  const described = new Set([...read('docs/environment.md').matchAll(/`([A-Z][A-Z_]+)`/g)].map(([, name]) => name));
  const missing: string[] = [];
  let reads = 0;
  for (const [path, text] of sources('.ts')) {
    if (!/^(agent|operator)\/src\//.test(path) || path.endsWith('.test.ts')) continue;
    for (const [, name] of text.matchAll(/\benv\??\.([A-Z][A-Z_]+)/g)) {
      reads++;
      if (!described.has(name)) missing.push(`${path}: ${name}`);
    }
  }
  expect(missing).toEqual([]);
  expect(reads).toBeGreaterThan(10);
});

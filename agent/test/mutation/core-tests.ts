/**
 * Every test that is about the core, as one file. With FUSEBOARD_MUTATION=quick those beside the sources only: what
 * they find need not be looked for again.
 */
import { globSync } from 'node:fs';

const agent = new URL('../../', import.meta.url);
const others = [
  'src/breakers/governed-breaker.test.ts',
  ...globSync('test/{breaker-model,edit-keeps-open,scenarios}*.test.ts', { cwd: agent }),
];
const files = [
  ...globSync('src/core/**/*.test.ts', { cwd: agent }),
  ...(process.env.FUSEBOARD_MUTATION === 'quick' ? [] : others),
].sort();

for (const file of files) await import(new URL(file, agent).href);

/** Every test that is about the core, as one file. */
import { globSync } from 'node:fs';

const agent = new URL('../../', import.meta.url);
const files = [
  ...globSync('src/core/**/*.test.ts', { cwd: agent }),
  'src/breaker.test.ts',
  ...globSync('test/{breaker-model,edit-keeps-open,scenarios}*.test.ts', { cwd: agent }),
].sort();

for (const file of files) await import(new URL(file, agent).href);

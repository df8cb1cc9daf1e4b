/**
 * Writes the drawings from what the agent's own core does, and the reference of the environment from the sources. With
 * `--check` it writes nothing and fails, naming the files that are stale.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { recovery } from './drawings/recovery.ts';
import { simulated } from './drawings/simulated.ts';
import { states } from './drawings/states.ts';
import { transitions } from './drawings/transitions.ts';
import { windows } from './drawings/windows.ts';
import { environment } from './environment.ts';
import { limits } from './limits.ts';

const { timeline, frontier } = simulated();
const files: Record<string, string> = {
  'states.svg': states(transitions()),
  'windows.svg': windows(),
  'recovery.svg': recovery(),
  'simulated.svg': timeline,
  'frontier.svg': frontier,
  'environment.md': await environment(),
  'limits.md': limits(),
};
const stale = Object.entries(files).filter(([path, wanted]) => read(path) !== wanted);
if (process.argv.includes('--check')) {
  if (stale.length > 0) {
    console.error(`stale: ${stale.map(([path]) => `docs/${path}`).join(', ')}; run npm run generate`);
    process.exitCode = 1;
  }
} else {
  for (const [path, wanted] of stale) writeFileSync(new URL(path, import.meta.url), wanted);
}

function read(path: string): string | undefined {
  try {
    return readFileSync(new URL(path, import.meta.url), 'utf8');
  } catch {
    return undefined;
  }
}

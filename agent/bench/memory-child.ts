/**
 * Ten thousand breakers of one library in a process of their own: `memory-child.ts <library> <bytes | timers>`; prints
 * JSON.
 */
import { createHook } from 'node:async_hooks';
import { load } from './libraries/index.ts';

const BREAKERS = 10_000;
const IDLE_MS = 3_000;
/** Long enough for what rests after use to rest. */
const SETTLE_MS = 1_500;

const [name = '', what] = process.argv.slice(2);
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const timers = new Set<number>();
const hook = createHook({
  init: (id, type) => {
    if (type === 'Timeout') timers.add(id);
  },
  destroy: (id) => {
    timers.delete(id);
  },
});

const say = (line: string): void => console.error(line);
const library = name === 'none' ? { makeAndUse: async () => undefined } : await load(name, say);
const { makeAndUse } = library ?? {};
if (makeAndUse === undefined) process.exit(1);

const bytes = async (): Promise<number> => {
  for (let i = 0; i < 4; i++) {
    globalThis.gc?.();
    await wait(20);
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
};

const kept: unknown[] = new Array(BREAKERS + 100);
for (let i = 0; i < 100; i++) kept[i] = await makeAndUse(i);

if (what === 'timers') {
  hook.enable();
  for (let i = 100; i < BREAKERS + 100; i++) kept[i] = await makeAndUse(i);
  await wait(SETTLE_MS);
  hook.disable();
  console.log(JSON.stringify({ timers: timers.size }));
} else {
  const before = await bytes();
  for (let i = 100; i < BREAKERS + 100; i++) kept[i] = await makeAndUse(i);
  await wait(SETTLE_MS);
  const after = await bytes();
  const began = process.cpuUsage();
  await wait(IDLE_MS);
  const { user, system } = process.cpuUsage(began);
  const idleCpuPercent = (user + system) / 10 / IDLE_MS;
  console.log(JSON.stringify({ bytesEach: Math.round((after - before) / BREAKERS), idleCpuPercent }));
}
process.exit(kept.length > 0 ? 0 : 1);

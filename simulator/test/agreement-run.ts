/**
 * Compares replays with a live breaker over many random policies and calls: `npm run simulator:agreement [-- COUNT]`;
 * absent: 10,000.
 */

import { replay } from '../src/replay/replay.ts';
import { difference, drawn } from './agreement.ts';

const count = Number(process.argv[2] ?? 10_000);
let transitions = 0;
for (let seed = 1; seed <= count; seed++) {
  const found = await difference(seed);
  if (found !== undefined) {
    console.error(found);
    process.exit(1);
  }
  const { spec, trace } = drawn(seed);
  transitions += replay(spec, trace).transitions.length;
}
console.log(
  `${count} random policies and traces, ${transitions} changes of state: the replay agrees with a live breaker in each`,
);

/**
 * Shows how often the 95 % limit of false openings holds, on made traffic with bursts: `npm run simulator:coverage [--
 * RUNS]`; absent: 500.
 */
import { coverage } from './coverage.ts';

const runs = Number(process.argv[2] ?? 500);
for (const days of [1, 3]) {
  const { held, perMonth } = coverage(runs, days, 200);
  const share = held / runs;
  console.log(
    `${days} d recorded, ${perMonth.toFixed(1)} false openings a month in truth: the limit held in ${held} of ${runs} runs (${(share * 100).toFixed(1)} %)`,
  );
  if (share < 0.95) process.exitCode = 1;
}

/**
 * Compares false openings of replays with exact formulas, then shows how often the 95 % limit of false openings holds
 * on made traffic with bursts: `npm run simulator:coverage [-- RUNS]`; absent: 500.
 */
import { coverage } from './coverage.ts';
import { compared, FORMULA_CASES } from './independent.ts';

const runs = Number(process.argv[2] ?? 500);
const CALLS = 500_000;
console.log(`False openings in ${CALLS} calls with independent failures\n`);
console.log('| condition | formula | replay | bounds |\n| --- | --- | --- | --- |');
for (const each of FORMULA_CASES) {
  const { expected, seen, least, most } = compared(each, CALLS);
  const [from, to] = [Math.max(0, least), most].map((value) => value.toFixed(0));
  console.log(`| ${each.name} | ${expected.toFixed(1)} | ${seen} | ${from} to ${to} |`);
  if (seen < least || seen > most) process.exitCode = 1;
}
console.log();
for (const burstsPerHour of [0.02, 0.5]) {
  for (const days of [1, 3]) {
    const { held, perMonth } = coverage(runs, days, 200, burstsPerHour);
    const share = held / runs;
    console.log(
      `${days} d recorded, ${perMonth.toFixed(1)} false openings a month in truth: the limit held in ${held} of ${runs} runs (${(share * 100).toFixed(1)} %)`,
    );
    if (share < 0.95) process.exitCode = 1;
  }
}

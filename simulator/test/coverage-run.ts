/**
 * Compares false openings of replays with exact formulas, then shows how often the 95 % limit of false openings holds
 * on made traffic with bursts: `npm run simulator:coverage [-- RUNS [CASE]]`; absent: 500 runs of every case, else of
 * those whose name contains CASE.
 */
import { COVERAGE_CASES, coverage } from './coverage.ts';
import { compared, FORMULA_CASES } from './independent.ts';

const [, , given = '500', named = ''] = process.argv;
const runs = Number(given);
const CALLS = 500_000;
const TRUTH_DAYS = 1_000;
console.log(`False openings in ${CALLS} calls with independent failures\n`);
console.log('| condition | formula | replay | bounds |\n| --- | --- | --- | --- |');
for (const each of FORMULA_CASES) {
  const { expected, seen, least, most } = compared(each, CALLS);
  const [from, to] = [Math.max(0, least), most].map((value) => value.toFixed(0));
  console.log(`| ${each.name} | ${expected.toFixed(1)} | ${seen} | ${from} to ${to} |`);
  if (seen < least || seen > most) process.exitCode = 1;
}
console.log();
console.log('| calm traffic | recorded | false openings a month | limit held |\n| --- | --- | --- | --- |');
for (const each of COVERAGE_CASES.filter(({ name }) => name.includes(named))) {
  const { held, perMonth } = coverage(each, runs, TRUTH_DAYS);
  const share = `${held} of ${runs} (${((held / runs) * 100).toFixed(1)} %)`;
  console.log(`| ${each.name} | ${each.days} d | ${perMonth.toFixed(1)} | ${share} |`);
  if (held < 0.95 * runs) process.exitCode = 1;
}

/**
 * Feeds what nobody should send to everything that reads from outside, and looks whether what must hold does.
 *
 *     npm run fuzz                                          at least a million inputs, with a seed of its own
 *     npm run fuzz -- --inputs 50000 --seed 7               the same again
 *     npm run fuzz -- --target report --seed 7 --input 123  one input, shown
 */
import { parseArgs } from 'node:util';
import { Random, seedOf } from './random.ts';
import { type Finding, fuzz, type TargetSummary } from './run.ts';
import { inputOf } from './target.ts';
import { TARGETS } from './targets.ts';

const { values } = parseArgs({
  options: {
    inputs: { type: 'string', default: '1100000' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    target: { type: 'string' },
    input: { type: 'string' },
  },
});
const seed = Number(values.seed);
const inputs = Number(values.inputs);
const chosen = TARGETS.filter(({ name }) => values.target === undefined || name === values.target);
if (chosen.length === 0 || ![seed, inputs, Number(values.input ?? 0)].every(Number.isSafeInteger)) {
  console.error(`--target must be one of ${TARGETS.map(({ name }) => name).join(', ')}; numbers must be whole`);
  process.exit(2);
}

if (values.input !== undefined) {
  const [target] = chosen;
  const input = inputOf(target!, new Random(seedOf(seed, target!.name, Number(values.input))));
  console.log(`${target!.name}, ${input.length} bytes:\n${JSON.stringify(input.toString('latin1'))}`);
  printFindings((await fuzz(target!, seed, 1, Number(values.input))).findings);
} else {
  console.log(`seed ${seed}\n`);
  console.log('target             inputs   sound  kB/input  slowest     peak     time');
  const shares = chosen.reduce((sum, { share }) => sum + share, 0);
  const summaries: TargetSummary[] = [];
  for (const target of chosen) {
    const summary = await fuzz(target, seed, Math.ceil((inputs * target.share) / shares));
    summaries.push(summary);
    console.log(row(summary));
    printFindings(summary.findings);
  }
  const total = summaries.reduce((sum, summary) => sum + summary.inputs, 0);
  console.log(`\n${total} inputs, ${summaries.flatMap(({ findings }) => findings).length} findings`);
}

function row({ target, inputs: count, sound, bytes, slowest, peak, seconds }: TargetSummary): string {
  const columns = [
    String(count).padStart(9),
    `${((100 * sound) / count).toFixed(1)} %`.padStart(8),
    (bytes / count / 1_000).toFixed(2).padStart(10),
    `${slowest.toFixed(0)} ms`.padStart(9),
    `${(peak / 1e6).toFixed(0)} MB`.padStart(9),
    `${seconds.toFixed(1)} s`.padStart(9),
  ];
  return `${target.padEnd(16)}${columns.join('')}`;
}

function printFindings(findings: readonly Finding[]): void {
  for (const { target, index, input, message } of findings) {
    console.log(`\n${target}: ${message}\n  again: npm run fuzz -- --target ${target} --seed ${seed} --input ${index}`);
    if (input.length <= 2_000) console.log(`  input: ${JSON.stringify(input.toString('latin1'))}`);
    process.exitCode = 1;
  }
}

/**
 * Compares suggested policies with others on recorded series: `npm run eval:thresholds -- DIR [--edges] [--json]
 * [--check]`. DIR holds NAME.ndjson.gz with one call a line and NAME.json with its incidents. Policies learn from calls
 * before an incident only. `--check` ends with 1 when the goal is missed.
 *
 * `--sensitivity` varies each constant of `suggest` instead, and `--leave-one-out` also chooses the constants without
 * one series, and without one edge, and scores them there. `--pictures OUT` writes the plots of each series instead.
 */
import { parseArgs } from 'node:util';
import { contestants, FIXED } from './contestants.ts';
import { causesOf, edgeTable, missesOf } from './edges.ts';
import { goal } from './goal.ts';
import { writePictures } from './pictures.ts';
import { leaveOneOut, sensitivityTable } from './sensitivity.ts';
import { readSeries, SeriesError } from './series.ts';
import { summarize, table } from './summary.ts';
import { runVariations, variations } from './variations.ts';
import { ENOUGH_CALLS, walk } from './walk-forward.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    edges: { type: 'boolean' },
    json: { type: 'boolean' },
    check: { type: 'boolean' },
    sensitivity: { type: 'boolean' },
    'leave-one-out': { type: 'boolean' },
    pictures: { type: 'string' },
  },
});
const [folder] = positionals;
if (folder === undefined) {
  console.error('name the folder of the series: npm run eval:thresholds -- DIR');
  process.exit(2);
}
try {
  if (values.sensitivity || values['leave-one-out']) await vary(folder, values['leave-one-out'] ?? false);
  else if (values.pictures !== undefined) console.log(writePictures(readSeries(folder), values.pictures).join('\n'));
  else compare(folder);
} catch (error) {
  if (!(error instanceof SeriesError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}

function compare(from: string): void {
  const edges = readSeries(from);
  const began = performance.now();
  const results = contestants().map((each) => ({ name: each.name, scores: edges.map((edge) => walk(edge, each)) }));
  const seconds = (performance.now() - began) / 1_000;
  const summaries = results.map(({ name, scores }) => summarize(name, scores));
  const scoresOf = (name: string) => results.find((each) => each.name === name)!.scores;
  const parts = goal(scoresOf('suggest'), scoresOf(FIXED), scoresOf('recipe'));
  if (values.check && parts.some(({ isMet }) => isMet === false)) process.exitCode = 1;
  if (values.json) {
    console.log(JSON.stringify({ edges: edges.length, seconds, summaries, goal: parts }, null, 2));
  } else {
    const days = results[0]!.scores.reduce((sum, each) => sum + each.days, 0);
    const calls = edges.reduce((sum, { trace }) => sum + trace.start.length, 0);
    console.log(`${edges.length} edges, ${calls} calls, ${days.toFixed(2)} process-days, in ${seconds.toFixed(0)} s`);
    console.log(`"with enough before": at least ${ENOUGH_CALLS} calls of the edge before the incident\n`);
    console.log(`${table(summaries)}\n`);
    for (const { part, isMet } of parts)
      console.log(`${isMet === undefined ? 'not judged' : isMet ? 'met' : 'missed'}: ${part}`);
    console.log(`\n${causesOf(scoresOf('suggest'), scoresOf(FIXED), scoresOf('recipe'))}`);
    console.log(`\n${missesOf(scoresOf('suggest'))}`);
    if (values.edges) console.log(`\n${edgeTable(results)}`);
  }
}

async function vary(from: string, alsoLeaveOut: boolean): Promise<void> {
  const all = variations();
  const results = await runVariations(from, all, (done) => console.error(`${done} of ${all.length}`));
  console.log(sensitivityTable(all, results));
  if (!alsoLeaveOut) return;
  console.log(`\n${leaveOneOut(all, results, ({ series }) => series)}`);
  console.log(`\n${leaveOneOut(all, results, ({ series, edge }) => `${series}: ${edge}`)}`);
}

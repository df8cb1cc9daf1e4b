/**
 * Compares suggested policies with others on recorded series: `npm run eval:thresholds -- DIR [--edges] [--json]`. DIR
 * holds NAME.ndjson.gz with one call a line and NAME.json with its incidents. Policies learn from calls before an
 * incident only.
 */
import { parseArgs } from 'node:util';
import { contestants, FIXED } from './contestants.ts';
import { causesOf, edgeTable, missesOf } from './edges.ts';
import { readSeries } from './series.ts';
import { summarize, table } from './summary.ts';
import { ENOUGH_CALLS, walk } from './walk-forward.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { edges: { type: 'boolean' }, json: { type: 'boolean' } },
});
const [folder] = positionals;
if (folder === undefined) {
  console.error('name the folder of the series: npm run eval:thresholds -- DIR');
  process.exit(2);
}
const edges = readSeries(folder);
const began = performance.now();
const results = contestants().map((each) => ({ name: each.name, scores: edges.map((edge) => walk(edge, each)) }));
const seconds = (performance.now() - began) / 1_000;
const summaries = results.map(({ name, scores }) => summarize(name, scores));
if (values.json) {
  console.log(JSON.stringify({ edges: edges.length, seconds, summaries }, null, 2));
} else {
  const days = results[0]!.scores.reduce((sum, each) => sum + each.days, 0);
  const calls = edges.reduce((sum, { trace }) => sum + trace.start.length, 0);
  console.log(`${edges.length} edges, ${calls} calls, ${days.toFixed(2)} process-days, in ${seconds.toFixed(0)} s`);
  console.log(`"with enough before": at least ${ENOUGH_CALLS} calls of the edge before the incident\n`);
  console.log(table(summaries));
  const scoresOf = (name: string) => results.find((each) => each.name === name)!.scores;
  console.log(`\n${causesOf(scoresOf('suggest'), scoresOf(FIXED), scoresOf('recipe'))}`);
  console.log(`\n${missesOf(scoresOf('suggest'))}`);
  if (values.edges) console.log(`\n${edgeTable(results)}`);
}

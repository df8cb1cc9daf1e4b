import { parentPort, workerData } from 'node:worker_threads';
import type { Trace } from '../src/calls/trace.ts';
import { type Segmentation, segment } from '../src/calm/incidents.ts';
import { specOf } from '../src/suggest/rule.ts';
import { type SlowChoice, searchSlow } from '../src/suggest/slow-search.ts';
import { ruleFrom } from '../src/suggest/suggest.ts';
import type { Tuning } from '../src/suggest/tuning.ts';
import { readSeries } from './series.ts';
import type { EdgeResult } from './variations.ts';
import { walk } from './walk-forward.ts';

const edges = readSeries((workerData as { readonly folder: string }).folder);
const segmentations = new Map<string, Segmentation>();
const searches = new Map<string, SlowChoice | undefined>();

/** What the search for a rule on slow calls depends on. All else of a rule is not part of what it examines. */
const searchKey = (tuning: Tuning) =>
  [
    tuning.windowRoom,
    tuning.timesUsual,
    tuning.plainPercentile,
    tuning.slowCalls,
    tuning.slowPercent,
    tuning.worthASearch,
    tuning.slowMargin,
    tuning.slowHeadroom,
  ].join();

function remembered<T>(map: Map<string, T>, key: string, make: () => T): T {
  if (!map.has(key)) map.set(key, make());
  return map.get(key)!;
}

function policyFor(edge: number, before: Trace, tuning: Tuning) {
  const place = `${edge}:${before.start.length}`;
  const segmentation = remembered(segmentations, place, () => segment([before]));
  const search: typeof searchSlow = (base, figures, calm, used) => {
    const found = remembered(searches, `${place}:${searchKey(tuning)}`, () => searchSlow(base, figures, calm, used));
    if (found === undefined) return undefined;
    const { form, minimumCalls, slow } = found.rule;
    return { ...found, rule: { ...base, form, minimumCalls, slow: slow! } };
  };
  return specOf(ruleFrom([before], segmentation, tuning, search).rule);
}

parentPort!.on('message', (tuning: Tuning) => {
  const results = edges.map((edge, at): EdgeResult => {
    const { incidents, falseOpenings } = walk(edge, {
      name: 'varied',
      learns: true,
      policy: (before) => policyFor(at, before, tuning),
    });
    const learnable = incidents.filter(({ learned }) => learned);
    return {
      series: edge.series,
      edge: `${edge.from} > ${edge.to}`,
      incidents: learnable.length,
      found: learnable.filter(({ delayMs }) => delayMs !== undefined).length,
      falseOpenings: falseOpenings.length,
    };
  });
  parentPort!.postMessage(results);
});

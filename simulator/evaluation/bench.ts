/**
 * How fast policies are replayed and searched: `npm run bench:simulate [-- --check]`. Ratios are against a plain loop
 * over the same calls, times are processor time of one core. `--check` ends with 1 below a million calls a second for
 * one policy, or when a search of 600 rules over a million calls takes a minute, or a full replay of 600 policies takes
 * one on two cores.
 */

import { parseArgs } from 'node:util';
import { calmTraces } from '../src/calm/calm-traces.ts';
import { calmFigures } from '../src/calm/figures.ts';
import { segment } from '../src/calm/incidents.ts';
import { replay, type Spec } from '../src/replay/replay.ts';
import { scheduleOf } from '../src/replay/schedule.ts';
import { recipeFor } from '../src/suggest/recipe.ts';
import { specOf } from '../src/suggest/rule.ts';
import { searchSlow } from '../src/suggest/slow-search.ts';
import { suggest } from '../src/suggest/suggest.ts';
import { TUNING } from '../src/suggest/tuning.ts';
import { made } from '../test/generator.ts';
import { replayAll } from './replay-all.ts';

const LEAST_PER_SECOND = 1e6;
const MOST_SECONDS = 60;
/** With these a search examines more than 600 rules. */
const WIDE = { percents: [45, 50, 55, 60, 65, 70, 75, 80, 85, 90], sizes: [10, 20, 30] };
const ENOUGH_RULES = 600;
const LOOPS = 10;
const THREADS = 2;

const { values } = parseArgs({ options: { check: { type: 'boolean' } } });
const trace = made({ seconds: 100_000, rate: 10, failing: 0.005, outage: [50_000, 50_300] }, 1);
const calls = trace.start.length;

/** Processor time, which other work on the machine disturbs less than the clock. */
function seconds(run: () => void): number {
  const { user, system } = process.cpuUsage();
  run();
  const used = process.cpuUsage({ user, system });
  return (used.user + used.system) / 1e6;
}

let failures = 0;
const loop = seconds(() => {
  for (let round = 0; round < LOOPS; round++) {
    for (let i = 0; i < calls; i++) if (trace.start[i]! + trace.duration[i]! > 0 && trace.outcome[i] === 1) failures++;
  }
});
const ordered = seconds(() => scheduleOf(trace));
const schedule = scheduleOf(trace);
const spec = {
  trip: {
    minimumCalls: 20,
    failureRate: { thresholdPercent: 50 },
    slowCallRate: { thresholdPercent: 80, slowerThan: '100ms' },
  },
} as const;
replay(spec, trace, schedule);
const once = seconds(() => replay(spec, trace, schedule));
let tried = 0;
const suggested = seconds(() => {
  const recording = {
    breaker: 'made',
    traces: [trace],
    knowsProcesses: true,
    keys: [],
    calls,
    failures: failures / LOOPS,
    rejected: 0,
    withoutDuration: 0,
  };
  tried = suggest(recording).slow?.tried ?? 0;
});
let wide = 0;
const searched = seconds(() => {
  const calm = calmTraces([trace], segment([trace]).incidents);
  const figures = calmFigures(calm);
  wide = searchSlow(recipeFor(figures), figures, calm, TUNING, WIDE)?.tried ?? 0;
});

/** 600 policies that differ in all that a search varies. */
const grid: Spec[] = [10_000, 20_000, 30_000, 60_000].flatMap((ms) =>
  [10, 20, 30].flatMap((minimumCalls) =>
    WIDE.percents.flatMap((percent) =>
      [50, 75, 100, 150, 200].map((slowerThanMs) =>
        specOf({
          form: { type: 'Time', ms },
          minimumCalls,
          failurePercent: percent,
          consecutiveFailures: 5,
          slow: { percent, slowerThanMs },
          openMs: 10_000,
        }),
      ),
    ),
  ),
);
const begun = performance.now();
const { openings, cpuSeconds } = await replayAll(grid, trace, THREADS);
const passed = (performance.now() - begun) / 1_000;
const unopened = openings.filter((count) => count === 0).length;

const times = (time: number) => `${((time * LOOPS) / loop).toFixed(0)} x a plain loop`;
const rate = (time: number) => `${(calls / time / 1e6).toFixed(2)} M calls/s, ${times(time)}`;
console.log(`${calls} calls, processor time of one core`);
console.log(`order of begins and ends   ${rate(ordered)}`);
console.log(`one policy                 ${rate(once)}`);
console.log(`suggest, ${tried} rules for slow calls and the rest: ${suggested.toFixed(1)} s, ${times(suggested)}`);
console.log(`a search of ${wide} rules: ${searched.toFixed(1)} s, ${times(searched)}`);
console.log(
  `${grid.length} policies, each over all calls, on ${THREADS} threads: ${passed.toFixed(1)} s, ${cpuSeconds.toFixed(1)} s of processor time; ` +
    `${((cpuSeconds / grid.length) * (LOOPS / loop)).toFixed(0)} x as many plain loops; ${unopened} never opened`,
);
if (unopened > 0) throw new Error('an outage of all calls opens every one of these policies');
/** What the threads take when each has a core of its own. */
const onCores = cpuSeconds / THREADS;
if (
  values.check &&
  (calls / once < LEAST_PER_SECOND || wide < ENOUGH_RULES || searched > MOST_SECONDS || onCores > MOST_SECONDS)
) {
  console.error(
    `slower than ${LEAST_PER_SECOND} calls a second or than ${MOST_SECONDS} s for ${ENOUGH_RULES} policies`,
  );
  process.exitCode = 1;
}

/**
 * How fast policies are replayed and searched: `npm run bench:simulate`. Ratios are against a plain loop over the same
 * calls.
 */

import { replay } from '../src/replay/replay.ts';
import { scheduleOf } from '../src/replay/schedule.ts';
import { suggest } from '../src/suggest/suggest.ts';
import { made } from '../test/generator.ts';

const trace = made({ seconds: 100_000, rate: 10, failing: 0.005, outage: [50_000, 50_300] }, 1);
const calls = trace.start.length;

/** Processor time, which other work on the machine disturbs less than the clock. */
function seconds(run: () => void): number {
  const { user, system } = process.cpuUsage();
  run();
  const used = process.cpuUsage({ user, system });
  return (used.user + used.system) / 1e6;
}

let slow = 0;
const loop = seconds(() => {
  for (let round = 0; round < 10; round++) {
    for (let i = 0; i < calls; i++) if (trace.start[i]! + trace.duration[i]! > 0 && trace.outcome[i] === 1) slow++;
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
const searched = { tried: 0 };
const search = seconds(() => {
  const recording = {
    breaker: 'made',
    traces: [trace],
    knowsProcesses: true,
    keys: [],
    calls,
    failures: slow / 10,
    rejected: 0,
    withoutDuration: 0,
  };
  searched.tried = suggest(recording).slow?.tried ?? 0;
});
const rate = (time: number) =>
  `${(calls / time / 1e6).toFixed(2)} M calls/s, ${((time * 10) / loop).toFixed(0)} x a plain loop`;
console.log(`${calls} calls, processor time`);
console.log(`order of begins and ends   ${rate(ordered)}`);
console.log(`one policy                 ${rate(once)}`);
console.log(`suggest, ${searched.tried} rules for slow calls and the rest: ${search.toFixed(1)} s`);

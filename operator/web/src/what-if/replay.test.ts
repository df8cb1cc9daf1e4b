import type { PolicySpec } from '@fuseboard/schema/types';
import { describe, expect, it } from '@jest/globals';
import { limitsOf } from './limits.ts';
import { edited, fieldsOf, numbersOf, patchOf } from './numbers.ts';
import { replay } from './replay.ts';
import { RunChance } from './run-chance.ts';
import { type Step, type Steps, stepsOf } from './steps.ts';

const STEP_MS = 20_000;

const step = (calls: number, failed = 0, over: Partial<Step> = {}): Step => ({
  ...{ calls, failed, rejected: 0, open: 0, slow: 0 },
  ...{ slowLeast: over.slow ?? 0, slowMost: over.slow ?? 0 },
  ...over,
});
const series = (...steps: Step[]): Steps => ({ begin: 1_000_000, stepMs: STEP_MS, steps });
const numbers = (trip: PolicySpec['trip'], recovery: PolicySpec['recovery'] = { openDuration: '30s' }) =>
  numbersOf({ trip, recovery })!;
const half = { minimumCalls: 20, failureRate: { thresholdPercent: 50 } };
const calm = Array.from({ length: 10 }, () => step(200, 2));

describe('sums replayed with other numbers', () => {
  it('open where the rate reaches its threshold, for the open time, and reject what comes in it', () => {
    // 10 calls a second; all fail for 20 s. The window of 10 s is half failures after 5 of them.
    const outage = series(...[step(200), step(200), step(200, 200), step(200), step(200), step(200)]);
    const { openings, openMs, rejected, spared, letThrough, openShares } = replay(outage, numbers(half), 1);
    expect(openings).toEqual([{ from: 1_045_000, until: 1_076_000, reason: 'failure-rate', reopened: 0 }]);
    expect(openMs).toBe(31_000);
    expect(rejected).toBeCloseTo(310);
    expect(spared).toBeCloseTo(150);
    expect(letThrough).toBe(0);
    expect(openShares).toEqual([0, 0, 0.75, 0.8, 0, 0]);
  });

  it('open later at a higher threshold, and not at all below it', () => {
    const outage = series(...calm, step(200, 120), step(200, 120), ...calm);
    const openedAt = (thresholdPercent: number) =>
      replay(outage, numbers({ failureRate: { thresholdPercent } }), 1).openings.map(({ from }) => from - 1_200_000);
    expect(openedAt(30)).toEqual([5_000]);
    expect(openedAt(59)).toEqual([10_000]);
    expect(openedAt(61)).toEqual([]);
  });

  it('stay open while probes fail, longer each time with a backoff', () => {
    const down = series(...Array.from({ length: 12 }, () => step(200, 200)));
    const reopened = (backoffFactor: number) =>
      replay(down, numbers(half, { openDuration: '20s', backoffFactor }), 1).openings.map((one) => one.reopened);
    // 240 s: at once, then every 21 s, or after 21 s, 41 s, 81 s.
    expect(reopened(1)).toEqual([11]);
    expect(reopened(2)).toEqual([3]);
  });

  it('count calls by process: ten processes have a tenth of the calls each', () => {
    const outage = series(step(200, 100), step(200, 100), step(200, 100));
    expect(replay(outage, numbers(half), 1).openings).toHaveLength(1);
    expect(replay(outage, numbers(half), 10).openings).toHaveLength(0);
  });

  it('take rejected calls to fail as those did that passed, and say which would have passed', () => {
    const refused = series(step(200, 200, { rejected: 0 }), step(2, 2, { rejected: 198 }), step(200));
    const never = replay(refused, numbers({ failureCount: 10_000 }), 1);
    expect([never.openings.length, never.letThrough]).toEqual([0, expect.closeTo(198)]);
    const slow = replay(refused, numbers({ failureCount: 250 }), 1);
    expect(slow.openings).toEqual([]);
    const long = { type: 'Time', duration: '60s' } as const;
    expect(replay(refused, numbers({ window: long, failureCount: 250 }), 1).openings[0]!.from).toBe(1_025_000);
  });

  it.each([
    ['a number of calls', { window: { type: 'Count', size: 100 }, failureRate: { thresholdPercent: 50 } }, 5_000],
    ['a window that fades', { window: { type: 'Ewma', halfLife: '5s' }, failureRate: { thresholdPercent: 50 } }, 5_000],
    ['a number of failures', { failureCount: 30 }, 3_000],
    ['failures in a row', { consecutiveFailures: 25 }, 3_000],
  ] as const)('know %s', (_, trip, after) => {
    const outage = series(step(200), step(200), step(200), step(200, 200));
    const { openings } = replay(outage, numbers(trip as PolicySpec['trip']), 1);
    expect(openings.map(({ from }) => from - 1_060_000)).toEqual([after]);
  });

  it('open for slow calls', () => {
    const slow = series(step(200), step(200, 0, { slow: 160 }), step(200));
    const trip = { slowCallRate: { thresholdPercent: 40, slowerThan: '1s' } };
    expect(replay(slow, numbers(trip), 1).openings).toEqual([
      { from: 1_025_000, until: expect.any(Number), reason: 'slow-call-rate', reopened: expect.any(Number) },
    ]);
  });

  it('let a growing share through while a ramp lasts', () => {
    const outage = series(step(200, 200), ...calm);
    const ramp = { openDuration: '30s', halfOpen: { strategy: 'Ramp', rampDuration: '20s' } } as const;
    const { openings, rejected } = replay(outage, numbers(half, ramp), 1);
    expect(openings[0]!.until - openings[0]!.from).toBe(51_000);
    // 30 s of 10 calls a second, and of the ramp's 200 calls about 200 x (2 - 1 / ln 2).
    expect(Math.abs(rejected - 300 - 200 * (2 - 1 / Math.LN2))).toBeLessThan(20);
  });
});

describe('the chance of a run', () => {
  it('is exact for few calls', () => {
    const chance = new RunChance(2);
    chance.add(2, 0.5);
    expect(chance.value).toBeCloseTo(1 / 4);
    chance.add(1, 0.5);
    expect(chance.value).toBeCloseTo(3 / 8);
    chance.add(1, 0.5);
    expect(chance.value).toBeCloseTo(1 / 2);
  });

  it('is the same call by call and for many at once', () => {
    const [many, single] = [new RunChance(4), new RunChance(4)];
    many.add(2_000, 0.2);
    for (let i = 0; i < 2_000; i += 1) single.add(1, 0.2);
    expect(many.value).toBeCloseTo(single.value, 6);
    expect(many.value).toBeGreaterThan(0.9);
  });

  it('is none without failures, and certain when as many calls fail as the run has', () => {
    const chance = new RunChance(5);
    chance.add(1_000, 0);
    expect(chance.value).toBe(0);
    chance.add(4, 1);
    expect(chance.value).toBeCloseTo(0);
    chance.add(1, 1);
    expect(chance.value).toBeCloseTo(1);
  });
});

describe('the limits of what sums can say', () => {
  const verdicts = (all: Steps, trip: PolicySpec['trip'], processes = 1) =>
    limitsOf(all, numbers(trip), processes)?.verdicts;

  it('are sure of a dense outage and of calm, and of nothing between', () => {
    const mixed = series(step(200, 2), step(200, 200), step(200, 2), step(200, 2), step(200, 30));
    expect(verdicts(mixed, half)).toEqual(['no', 'must', 'may', 'no', 'may']);
  });

  it('are not sure of a rate when each window may hold too few calls', () => {
    expect(verdicts(series(step(76, 76)), half)).toEqual(['may']);
    expect(verdicts(series(step(77, 77)), half)).toEqual(['must']);
  });

  it('know of failures in a row only what holds in any order', () => {
    const five = { consecutiveFailures: 5 };
    // Three successes part 19 failures into runs of which one has at least 5; four do not.
    expect(verdicts(series(step(22, 19)), five)).toEqual(['must']);
    expect(verdicts(series(step(20, 16)), five)).toEqual(['may']);
    expect(verdicts(series(step(20, 4)), five)).toEqual(['no']);
    // Two steps beside each other can hold one run.
    expect(verdicts(series(step(20, 3), step(20, 3), step(20), step(20, 4)), five)).toEqual(['no', 'may', 'no', 'no']);
    // A step in which all calls fail continues the run of the one before.
    expect(verdicts(series(step(3, 3), step(0), step(3, 3)), five)).toEqual(['no', 'no', 'must']);
  });

  it('know nothing of a window that fades', () => {
    expect(verdicts(series(step(9)), { window: { type: 'Ewma', halfLife: '5s' }, failureCount: 3 })).toBeUndefined();
  });

  it('hold the most that can have been rejected', () => {
    const all = series(...calm, step(200, 30), ...calm.map(() => step(200)));
    const { openMs, rejected, spared } = limitsOf(all, numbers(half), 1)!;
    // A window may hold failures of the step before, so it may be open from there on, for 30 s and a probe of 30 s.
    expect([openMs, rejected, spared]).toEqual([100_000, 1_000, 30]);
  });

  it('count a call that was rejected in fact as either', () => {
    expect(verdicts(series(step(1, 1, { rejected: 199 })), half)).toEqual(['may']);
  });
});

describe('the steps of a time line', () => {
  const columns = ['calls', 'failed', 'slow', 'rejected', 'fallback', 'started', 'open', 'halfOpen'] as const;
  const line = {
    series: {
      ...{ begin: 60_000, slotMs: 20_000, columns: [...columns] },
      values: [
        [10, 1, 2, 3, 0, 0, 1, 1],
        [20, 0, 4, 0, 0, 0, 0, 0],
        [30, 0, 6, 0, 0, 0, 0, 0],
        Array(8).fill(7),
      ].flat(),
    },
    latency: { begin: 60_000, slotMs: 60_000, boundsMs: [8, 16, 32], values: [30, 18, 12, 0, 0, 0] },
  };

  it('are the slots that are over', () => {
    const { begin, stepMs, steps } = stepsOf(line);
    expect([begin, stepMs, steps.length]).toEqual([60_000, 20_000, 3]);
    expect(steps[0]).toEqual({ calls: 10, failed: 1, slow: 2, slowLeast: 2, slowMost: 2, rejected: 3, open: 2 });
    expect(stepsOf(line, 16, 16)).toEqual(stepsOf(line));
  });

  it('have slow calls of another limit from the latencies, with what is not known', () => {
    // 12 of 60 calls took more than 16 ms, in any of the three steps.
    const { steps } = stepsOf(line, 100, 16);
    expect(steps.map(({ slow, slowLeast, slowMost }) => [slow, slowLeast, slowMost])).toEqual(
      [
        [1, 0, 10],
        [2, 0, 12],
        [3, 0, 12],
      ].map(([share, least, most]) => [expect.closeTo((share! * 12) / 6), least, most]),
    );
  });
});

describe('the numbers of a policy', () => {
  const spec = { breakers: ['payments'], trip: half, recovery: { openDuration: '30s' } };

  it('are those of its conditions, and the ones that have a default', () => {
    const names = (trip: PolicySpec['trip']) => fieldsOf({ trip }).map(({ path, value }) => [path.join('.'), value]);
    expect(names({ consecutiveFailures: 5 })).toEqual([
      ['trip.consecutiveFailures', 5],
      ['trip.window.duration', 10_000],
      ['recovery.openDuration', 30_000],
    ]);
    expect(
      names({ slowCallRate: { thresholdPercent: 60, slowerThan: '2s' }, window: { type: 'Count', size: 9 } }),
    ).toEqual([
      ['trip.slowCallRate.thresholdPercent', 60],
      ['trip.slowCallRate.slowerThan', 2_000],
      ['trip.minimumCalls', 20],
      ['recovery.openDuration', 30_000],
    ]);
    expect(fieldsOf({})).toEqual([]);
    expect(numbersOf({})).toBeUndefined();
  });

  it('are written back where they differ, and nowhere else', () => {
    const edits = { 'trip.minimumCalls': 20, 'trip.failureRate.thresholdPercent': 30, 'trip.window.duration': 90_000 };
    expect(patchOf(spec, edits)).toEqual({
      trip: { failureRate: { thresholdPercent: 30 }, window: { type: 'Time', duration: '1m30s' } },
    });
    expect(edited(spec, edits)).toEqual({
      ...spec,
      trip: { ...half, failureRate: { thresholdPercent: 30 }, window: { type: 'Time', duration: '1m30s' } },
    });
    expect(edited(spec, {})).toEqual(spec);
  });
});

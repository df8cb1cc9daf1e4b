import type { PolicySpec } from '@fuseboard/schema';
import { describe, expect, it } from '@jest/globals';
import { lintReported, type ReportedCalls } from './reported.ts';

const BOUNDS = [8, 16, 32, 64];
const spec = (trip: PolicySpec['trip']): PolicySpec => ({ breakers: ['payments'], trip }) as PolicySpec;
const RATE = { failureRate: { thresholdPercent: 50 } };

/** An hour of steps of 20 s. @param calls of all agents in each step. */
function reported(calls: (step: number) => number, over: Partial<ReportedCalls> = {}): ReportedCalls {
  const counts = Array.from({ length: 180 }, (_, step) => calls(step));
  return { agents: 2, stepMs: 20_000, calls: counts, boundsMs: BOUNDS, latency: [], ...over };
}

const messages = (trip: PolicySpec['trip'], ...all: ReportedCalls[]) =>
  lintReported(spec(trip), all)?.map(({ field, message }) => `${field}: ${message}`);

const reaches = (percent: number, minimum = 20) =>
  `trip.minimumCalls: minimumCalls (${minimum}) is reached about ${percent} % of the time; a rate opens the circuit in that time only; lower it, widen the window, or add consecutiveFailures`;

describe('reported calls', () => {
  it.each([
    ['80 calls of two agents in 20 s are 20 for each in 10 s', 80, []],
    ['78 are too few', 78, [reaches(0)]],
  ])('are compared with minimumCalls and the window: %s', (_, calls, expected) => {
    expect(
      messages(
        RATE,
        reported(() => calls),
      ),
    ).toEqual(expected);
  });

  it('count only times with calls', () => {
    const night = (step: number) => (step < 90 ? 0 : step < 126 ? 200 : 10);
    expect(messages(RATE, reported(night))).toEqual([reaches(40)]);
  });

  it('are added up over a window of several steps, and over all that is known for a number of calls', () => {
    const minute = { ...RATE, window: { type: 'Time', duration: '1m' } } as const;
    // 30 in a step are 15 for each agent, and 45 in three steps.
    expect(
      messages(
        { ...minute, minimumCalls: 45 },
        reported(() => 30),
      ),
    ).toEqual([]);
    expect(
      messages(
        { ...minute, minimumCalls: 46 },
        reported(() => 30),
      ),
    ).toEqual([reaches(0, 46)]);
    const size = { ...RATE, window: { type: 'Count', size: 10 }, minimumCalls: 20 } as const;
    expect(
      messages(
        size,
        reported(() => 1),
      ),
    ).toEqual([]);
  });

  it('weigh replicas by their agents', () => {
    const [enough, few] = [reported(() => 1_000, { agents: 1 }), reported(() => 1, { agents: 3 })];
    expect(messages(RATE, enough, few)).toEqual([reaches(25)]);
    expect(
      messages(
        RATE,
        enough,
        reported(() => 0, { agents: 0 }),
      ),
    ).toEqual([]);
  });

  it('are compared with the limit for slow calls, by what their latencies surely say', () => {
    const slowCallRate = { slowerThan: '16ms', thresholdPercent: 50 };
    const latency = (slow: number) => Array.from({ length: 60 }, () => [50, 50 - slow, 0, slow]).flat();
    const trip = { slowCallRate, minimumCalls: 1 };
    const slow = (one: number) =>
      messages(
        trip,
        reported(() => 100, { latency: latency(one) }),
      );
    expect(slow(10)).toEqual([]);
    const half = Array.from({ length: 60 }, () => [50, 0, 50, 0]).flat();
    expect(
      messages(
        trip,
        reported(() => 100, { latency: half }),
      ),
    ).toEqual([
      'trip.slowCallRate.slowerThan: in 100 % of the time at least 50 % of calls, which open the circuit, are slower than 16ms; raise it',
    ]);
    // Calls of the row from 8 to 16 ms may be faster than 12 ms.
    const between = { ...trip, slowCallRate: { ...slowCallRate, slowerThan: '12ms' } };
    const row = Array.from({ length: 60 }, () => [0, 100, 0, 0]).flat();
    expect(
      messages(
        between,
        reported(() => 100, { latency: row }),
      ),
    ).toEqual([]);
  });

  it('say nothing of other conditions, or when there are hardly any', () => {
    expect(
      messages(
        { consecutiveFailures: 5 },
        reported(() => 1),
      ),
    ).toEqual([]);
    expect(
      messages(
        undefined,
        reported(() => 1),
      ),
    ).toEqual([]);
    expect(
      messages(
        RATE,
        reported((step) => (step < 29 ? 1 : 0)),
      ),
    ).toBeUndefined();
    expect(
      messages(
        RATE,
        reported((step) => (step < 30 ? 1 : 0)),
      ),
    ).toEqual([reaches(0)]);
    expect(messages(RATE)).toBeUndefined();
  });
});

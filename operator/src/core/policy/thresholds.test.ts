import type { PolicySpec } from '@fuseboard/schema';
import { describe, expect, it } from '@jest/globals';
import { thresholdsOf } from './thresholds.ts';

const of = (trip: PolicySpec['trip']) => thresholdsOf(trip === undefined ? {} : { trip });

describe('thresholdsOf', () => {
  it('fills in what is absent', () => {
    expect(of({ failureRate: { thresholdPercent: 50 } })).toEqual({
      ...{ window: 'Time', windowMs: 10_000, minimumCalls: 20, failureRate: 50 },
    });
  });

  it('has none where nothing opens the circuit', () => {
    expect(of(undefined)).toBeUndefined();
  });

  it.each<[string, NonNullable<PolicySpec['trip']>['window'], number]>([
    ['as long as the window', { type: 'Time', duration: '1m' }, 60_000],
    ['at least as long as agents take to report', { type: 'Time', duration: '1s' }, 10_000],
    ['at most as long as is kept', { type: 'Time', duration: '1h' }, 300_000],
    ['a minute where the window counts calls', { type: 'Count', size: 100 }, 60_000],
    ['two half-lives', { type: 'Ewma', halfLife: '20s' }, 40_000],
  ])('adds up %s', (_, window, windowMs) => {
    expect(of({ window, failureCount: 3 } as PolicySpec['trip'])!.windowMs).toBe(windowMs);
  });

  it('asks for no more calls than a Count window holds', () => {
    const window = { type: 'Count', size: 10 } as const;
    expect(of({ window, failureRate: { thresholdPercent: 50 } })).toMatchObject({ minimumCalls: 10, size: 10 });
  });

  it('reads a slow call', () => {
    const slowCallRate = { thresholdPercent: 80, slowerThan: '1500ms' };
    expect(of({ slowCallRate, consecutiveFailures: 4 })).toMatchObject({
      ...{ slowCallRate: 80, slowerThanMs: 1_500, consecutiveFailures: 4 },
    });
  });
});

import { holds, TRIP_CONDITIONS, type Trip } from '@fuseboard/schema/trip-conditions';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { configOf } from '../../test/config-of.ts';
import { trippedByNumber, trippedByRate } from './trip.ts';

describe('numbers of calls', () => {
  it.each([
    ['two in a row of three', undefined, { consecutiveFailures: 3 }, 9, 2],
    ['three in a row of three', 'consecutive-failures', { consecutiveFailures: 3 }, 0, 3],
    ['two of three', undefined, { failureCount: 3 }, 2, 9],
    ['three of three', 'failure-count', { failureCount: 3 }, 3, 0],
    ['a sum that faded and lost its last digit', 'failure-count', { failureCount: 3 }, 3 - 1e-9, 0],
    ['any number where nothing is asked', undefined, { failureRate: { thresholdPercent: 1 } }, 99, 99],
  ] as const)('%s gives %s', (_what, reason, trip, failures, run) => {
    expect(trippedByNumber(configOf({ trip }).trip, { failures, slow: 0 }, run, 0)).toBe(reason);
  });
});

describe('rates', () => {
  const failureRate = { thresholdPercent: 50 };
  const slowCallRate = { thresholdPercent: 50, slowerThan: '1s' };
  it.each([
    ['half of the calls failed', 'failure-rate', { failureRate }, [4, 2, 0], 0, 4],
    ['fewer than half did', undefined, { failureRate }, [5, 2, 0], 0, 4],
    ['all failed, of too few', undefined, { failureRate }, [3, 3, 0], 0, 4],
    ['as many as it takes, less a lost digit', 'failure-rate', { failureRate }, [4 - 1e-9, 2, 0], 0, 4],
    ['half, less a lost digit', 'failure-rate', { failureRate }, [4, 2 - 1e-9, 0], 0, 4],
    ['half were slow', 'slow-call-rate', { slowCallRate }, [4, 0, 2], 0, 4],
    ['fewer were slow', undefined, { slowCallRate }, [5, 0, 2], 0, 4],
    ['those under way make half', 'slow-call-rate', { slowCallRate }, [3, 0, 1], 1, 4],
    ['those under way are calls, not failures', undefined, { failureRate }, [4, 2, 0], 1, 4],
    ['nothing is asked of slow calls', undefined, { failureRate }, [4, 0, 4], 4, 4],
    ['nothing is asked of failures', undefined, { slowCallRate }, [4, 4, 0], 0, 4],
    ['both, and the failures are named', 'failure-rate', { failureRate, slowCallRate }, [4, 4, 4], 0, 4],
  ] as const)('%s gives %s', (_what, reason, trip, [calls, failures, slow], overdue, minimum) => {
    expect(trippedByRate(configOf({ trip }).trip, { calls, failures, slow }, overdue, minimum)).toBe(reason);
  });
});

it('names the first condition of the table that holds', () => {
  const number = fc.option(fc.integer({ min: 1, max: 20 }), { nil: undefined });
  const share = fc.option(fc.integer({ min: 1, max: 100 }), { nil: undefined });
  const count = fc.double({ min: 0, max: 20, noNaN: true });
  fc.assert(
    fc.property(
      fc.record({ failureCount: number, consecutiveFailures: number, failureRate: share, slowCallRate: share }),
      fc.record({ calls: count, failures: count, slow: count }),
      fc.nat(20),
      fc.nat(20),
      fc.integer({ min: 1, max: 20 }),
      (thresholds, counts, run, overdue, minimum) => {
        const { failureRate, slowCallRate, ...numbers } = thresholds;
        const trip = {
          ...numbers,
          ...(failureRate && { failureRate: { thresholdPercent: failureRate } }),
          ...(slowCallRate && { slowCallRate: { thresholdPercent: slowCallRate, slowerThan: '1s' } }),
        };
        fc.pre(Object.values(thresholds).some((each) => each !== undefined));
        const total = counts.calls + overdue;
        const measured = { consecutiveFailures: run, failures: counts.failures, slow: counts.slow + overdue };
        const first = TRIP_CONDITIONS.find((condition) => {
          const threshold = thresholds[condition.field];
          if (threshold === undefined || (condition.isRate && total < minimum - 1e-6)) return false;
          return holds(condition, threshold, measured[condition.measures], total);
        });
        const { trip: compiled } = configOf({ trip: trip as Trip });
        const reason =
          trippedByNumber(compiled, counts, run, overdue) ?? trippedByRate(compiled, counts, overdue, minimum);
        expect(reason).toBe(first?.reason);
      },
    ),
  );
});

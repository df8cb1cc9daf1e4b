import { describe, expect, it } from '@jest/globals';
import type { Thresholds } from '../../src/core/policy/thresholds.ts';
import { Ring } from '../../src/core/ring.ts';
import type { BreakerRow } from '../../src/core/views/breaker-row.ts';
import { conditions, limitOf, measuredOf, plotOf, quantile, worse } from './reading.ts';

const RATE: Thresholds = { window: 'Time', windowMs: 4_000, minimumCalls: 20, failureRate: 50 };

const ringOf = (...slots: [number, number, number, number][]) => {
  const ring = new Ring(20, 4);
  slots.forEach((counts, slot) => {
    ring.set(slot, counts);
  });
  return ring;
};

describe('the plot of a breaker', () => {
  it('shows at each slot the sums of the window that ends there', () => {
    const ring = ringOf([10, 1, 0, 0], [20, 2, 0, 0], [30, 3, 0, 5], [0, 0, 0, 0]);
    const plot = plotOf(ring, 3, 2_000, RATE, 1, 4);
    expect(plot.calls).toEqual([10, 30, 50, 30]);
    expect(plot.measured).toEqual([1, 3, 5, 3]);
    expect(plot.rejected).toEqual([0, 0, 5, 5]);
  });

  it('draws the threshold of a rate as that share of the calls, where they are enough to be judged', () => {
    const ring = ringOf([10, 1, 0, 0], [20, 2, 0, 0], [30, 3, 0, 0]);
    expect(plotOf(ring, 2, 2_000, RATE, 1, 3).limit).toEqual([undefined, 15, 25]);
    expect(plotOf(ring, 2, 2_000, RATE, 2, 3).limit).toEqual([undefined, undefined, 25]);
  });

  it('draws slow calls where the policy looks only at these', () => {
    const thresholds: Thresholds = {
      window: 'Time',
      windowMs: 2_000,
      minimumCalls: 1,
      slowCallRate: 80,
      slowerThanMs: 100,
    };
    expect(measuredOf(thresholds)).toBe('slow');
    const plot = plotOf(ringOf([10, 1, 4, 0]), 0, 2_000, thresholds, 1, 1);
    expect([plot.measured, plot.limit]).toEqual([[4], [8]]);
  });
});

describe('limitOf', () => {
  it.each<[string, Partial<Thresholds>, number, number, number | undefined]>([
    ['a number of failures, for each process', { failureCount: 4 }, 100, 3, 12],
    ['failures in a row, for each process', { consecutiveFailures: 5 }, 0, 2, 10],
    ['the nearest of several', { failureRate: 10, failureCount: 40 }, 100, 1, 10],
    ['nothing without a condition', {}, 100, 1, undefined],
  ])('is %s', (_, over, calls, agents, limit) => {
    const { failureRate: _rate, ...rest } = RATE;
    expect(limitOf({ ...rest, ...over }, 'failed', calls, agents)).toBe(limit);
  });

  it('is nothing where no policy governs', () => {
    expect(limitOf(undefined, 'failed', 100, 1)).toBeUndefined();
  });
});

describe('a quantile of latencies', () => {
  it('is the upper end of the bucket that holds it', () => {
    expect(quantile([0, 50, 0, 49, 1], 0.5)).toBe(0.25);
    expect(quantile([0, 50, 0, 49, 1], 0.99)).toBe(1);
    expect(quantile([0, 50, 0, 49, 1], 1)).toBe(2);
  });

  it('is absent without calls', () => {
    expect(quantile([], 0.5)).toBeUndefined();
  });
});

describe('the order of the board', () => {
  const row = (over: object) =>
    ({
      id: 'x',
      namespace: 'a',
      breaker: 'b',
      state: 'closed',
      shadow: false,
      states: { open: 0 },
      ...over,
    }) as BreakerRow;

  it('puts the worst first, then where most agents are hit, then goes by name', () => {
    const rows = [
      row({ id: 'none', state: 'none' }),
      row({ id: 'closed-b', breaker: 'b' }),
      row({ id: 'closed-a', breaker: 'a' }),
      row({ id: 'shadow', state: 'open', shadow: true }),
      row({ id: 'half', state: 'half-open' }),
      row({ id: 'open-1', state: 'open', states: { open: 1 } }),
      row({ id: 'open-9', state: 'open', states: { open: 9 } }),
    ];
    expect(rows.sort(worse).map(({ id }) => id)).toEqual([
      ...['open-9', 'open-1', 'half', 'shadow', 'closed-a', 'closed-b', 'none'],
    ]);
  });
});

describe('conditions', () => {
  it('says what opens the circuit as a person would', () => {
    expect(
      conditions({ ...RATE, consecutiveFailures: 5, slowCallRate: 80, slowerThanMs: 1_500, minimumCalls: 1 }),
    ).toEqual(['5 failures in a row', '50 % failed of ≥ 1 call', '80 % slower than 1.5 s of ≥ 1 call']);
  });
});

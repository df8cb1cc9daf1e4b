import { expect, it } from '@jest/globals';
import { least, minus, quantiles } from './quantiles.ts';

it('takes quantiles by nearest rank, whatever the order', () => {
  const times = Array.from({ length: 200 }, (_, i) => 200 - i);
  expect(quantiles(times)).toEqual({ count: 200, p50: 100, p99: 198, max: 200 });
  expect(quantiles([7])).toEqual({ count: 1, p50: 7, p99: 7, max: 7 });
});

it('has no quantile of nothing', () => {
  expect(quantiles([])).toEqual({ count: 0, p50: Number.NaN, p99: Number.NaN, max: Number.NaN });
});

it('takes the least of each quantile over rounds', () => {
  expect(least([quantiles([1, 9]), quantiles([2, 5])])).toEqual({ count: 4, p50: 1, p99: 5, max: 5 });
});

it('takes away what is waited on purpose', () => {
  expect(minus(quantiles([110, 120]), 100)).toEqual({ count: 2, p50: 10, p99: 20, max: 20 });
});

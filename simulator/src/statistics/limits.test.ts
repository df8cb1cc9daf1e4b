import { describe, expect, it } from '@jest/globals';
import { exposureFor, lowerShare, median, quantile, upperQuantile, upperRate, upperShare } from './limits.ts';
import { daysToShow, openingsLimit } from './openings-limit.ts';

describe('limits of 95 %', () => {
  it.each([
    [0, 1, 2.996],
    [1, 1, 4.744],
    [10, 1, 16.962],
    [0, 90, 0.0333],
  ])('%i seen in %f gives a rate of at most %f', (seen, exposure, limit) => {
    expect(upperRate(seen, exposure)).toBeCloseTo(limit, 3);
  });

  it('know nothing of what was not watched', () => {
    expect(upperRate(0, 0)).toBe(Number.POSITIVE_INFINITY);
    expect(upperShare(0, 0)).toBe(1);
  });

  it('ask for ninety days without one to show at most one a month', () => {
    expect(exposureFor(1 / 30)).toBeCloseTo(89.87, 2);
  });

  it('take a share from both sides', () => {
    expect(upperShare(0, 100)).toBeCloseTo(0.0295, 3);
    expect(upperShare(10, 100)).toBeCloseTo(0.1637, 3);
    expect(lowerShare(10, 100)).toBeCloseTo(0.0553, 3);
    expect(lowerShare(0, 100)).toBe(0);
  });

  it('need 2,995 values for the 99.9th percentile, and no distribution', () => {
    const values = Float64Array.from({ length: 2_995 }, (_, i) => i);
    expect(upperQuantile(values, 0.999)).toBe(2_994);
    expect(upperQuantile(values.subarray(0, 2_994), 0.999)).toBeUndefined();
    expect(upperQuantile(values.subarray(0, 100), 0.5)).toBe(58);
  });

  it('take a middle and a quantile of nothing for an error, not for zero', () => {
    expect(median([])).toBeUndefined();
    expect(median([3, 1, 2, 4])).toBe(2.5);
    expect(() => quantile([], 0.5)).toThrow(RangeError);
  });
});

describe('the limit of false openings', () => {
  it('takes openings of one burst for one, each as bad as the worst, and of hours as one worse', () => {
    const minute = 60_000;
    const { seen, bursts, upperPerMonth } = openingsLimit([[0, minute, 2 * minute, 100 * minute]], 30 * 86_400_000);
    expect({ seen, bursts }).toEqual({ seen: 4, bursts: 2 });
    expect(upperPerMonth).toBeCloseTo((6.296 * 4 * 30) / 29.75, 2);
  });

  it.each([
    [30, 2.99573 * (30 / 29.75)],
    [1, 2.99573 * 30 * (24 / 18)],
    [0.5, 2.99573 * 60 * 2],
    [0.25, 2.99573 * 120 * 2],
  ])('counts a record of %f days as six hours shorter, and at most by half', (days, limit) => {
    expect(openingsLimit([[]], days * 86_400_000).upperPerMonth).toBeCloseTo(limit, 1);
  });

  it('is shown to be one a month by as many days as it is told to need', () => {
    expect(daysToShow(1)).toBeCloseTo(90.12, 2);
    expect(openingsLimit([[]], daysToShow(1) * 86_400_000).upperPerMonth).toBeCloseTo(1, 6);
  });
});

import { describe, expect, it } from '@jest/globals';
import { dependentRuns, runCompletions } from '../src/statistics/false-opening-formulas.ts';
import { COVERAGE_CASES, coverage } from './coverage.ts';
import { compared, FORMULA_CASES } from './independent.ts';

const CALLS = 80_000;

describe('false openings of a replay', () => {
  it.each(FORMULA_CASES)('are those of the exact formula for $name, or a little fewer', (each) => {
    const { seen, least, most } = compared(each, CALLS);
    expect(seen).toBeLessThanOrEqual(most);
    expect(seen).toBeGreaterThanOrEqual(Math.max(1, least));
  });

  it('grow where one failure makes the next more likely', () => {
    const starts = CALLS * 0.01;
    expect(dependentRuns(5, starts, 0.4)).toBeCloseTo(starts * 0.4 ** 4, 9);
    expect(dependentRuns(5, starts, 0.4)).toBeGreaterThan(1_000 * CALLS * runCompletions(5, 0.01));
  });

  it('stay within the promised limit on traffic with bursts', () => {
    const { held, perMonth } = coverage(COVERAGE_CASES[0]!, 20, 15);
    expect(perMonth).toBeGreaterThan(1);
    expect(held).toBeGreaterThanOrEqual(17);
  });
});

import jstat from 'jstat';

/**
 * How often per call the failures in the last `size` calls reach `failures` from below, when calls fail independently
 * with probability `p`. The value is exact. It is an upper limit for the openings of a breaker, because each opening
 * empties the window.
 */
export function countCrossings(size: number, failures: number, p: number): number {
  return (1 - p) * p * jstat.binomial.pdf(failures - 1, size - 1, p);
}

/**
 * How often per call a run of failures reaches the length `run`, when calls fail independently with probability `p`.
 * Then the run starts again.
 */
export function runCompletions(run: number, p: number): number {
  return (p ** run * (1 - p)) / (1 - p ** run);
}

/**
 * How often runs reach the length `run` when failures depend on each other: `starts` runs start, and each continues
 * with probability `next`.
 */
export function dependentRuns(run: number, starts: number, next: number): number {
  return starts * next ** (run - 1);
}

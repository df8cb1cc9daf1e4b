import jstat from 'jstat';

/**
 * How often the failures in the last `size` calls reach `failures` from below, a call, when calls fail independently
 * with probability `p`: exact. A breaker opens at most so often, as each opening empties its window.
 */
export function countCrossings(size: number, failures: number, p: number): number {
  return (1 - p) * p * jstat.binomial.pdf(failures - 1, size - 1, p);
}

/**
 * How often a run of failures reaches the length `run`, a call, when calls fail independently with probability `p`;
 * runs start over after that.
 */
export function runCompletions(run: number, p: number): number {
  return (p ** run * (1 - p)) / (1 - p ** run);
}

/**
 * The same for failures that follow each other: `starts` runs of failures begin, and each continues with probability
 * `next`.
 */
export function dependentRuns(run: number, starts: number, next: number): number {
  return starts * next ** (run - 1);
}

import fc from 'fast-check';

/**
 * FUSEBOARD_PROPERTY_RUNS: how often a property is run at most; mutation testing sets it, so that each mutant costs
 * little and every run is alike.
 */
const most = Number(process.env.FUSEBOARD_PROPERTY_RUNS ?? Number.POSITIVE_INFINITY);

if (most < 100) fc.configureGlobal({ numRuns: most, seed: 1 });

/** How often to run a property that is usually run so often. */
export function propertyRuns(usual: number): number {
  return Math.min(usual, most);
}

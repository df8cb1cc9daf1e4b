import type { Incident } from '../calm/incidents.ts';
import { median } from '../statistics/limits.ts';
import { openTimeFor } from './recipe.ts';

/** How long the circuit stays open, and why. */
export interface OpenTime {
  readonly ms: number;
  /** How many incidents it was computed from; 0: it is the recipe for this rate of calls. */
  readonly incidents: number;
  /** How long incidents lasted, by the median. */
  readonly recoveryMs?: number;
}

const ENOUGH = 3;
const [SHORTEST_MS, LONGEST_MS] = [1_000, 300_000];
/** What a probe costs while the dependency is down, and a rejected good call, in seconds of waiting. */
const PROBE_COST = 1;
const REJECTION_COST = 1;

/**
 * After recovery half of the open time is lost for good calls, and while the dependency is down each open time costs a
 * probe: the sum is least at sqrt(2 x recovery time x cost of a probe / (calls a second x cost of a rejected call)).
 *
 * @param rate calls a second of one process.
 */
export function openTime(rate: number, incidents: readonly Incident[]): OpenTime {
  const failing = incidents.filter(({ kinds }) => kinds.includes('failing')).map(({ from, to }) => to - from);
  const recoveryMs = median(failing);
  if (failing.length < ENOUGH || recoveryMs === undefined || rate <= 0) return { ms: openTimeFor(rate), incidents: 0 };
  const best = 1_000 * Math.sqrt((2 * (recoveryMs / 1_000) * PROBE_COST) / (rate * REJECTION_COST));
  const whole = Math.round(Math.min(LONGEST_MS, Math.max(SHORTEST_MS, best)) / 1_000) * 1_000;
  return { ms: whole, incidents: failing.length, recoveryMs };
}

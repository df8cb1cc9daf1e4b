import type { Incident } from '../calm/incidents.ts';
import { median } from '../statistics/limits.ts';
import { openTimeFor } from './recipe.ts';
import { TUNING, type Tuning } from './tuning.ts';

/** How long the circuit stays open, with the evidence. */
export interface OpenTime {
  readonly ms: number;
  /** Number of incidents behind the value; 0 for the default at this rate of calls. */
  readonly incidents: number;
  /** The median duration of incidents. */
  readonly recoveryMs?: number;
}

const ENOUGH = 3;
const [SHORTEST_MS, LONGEST_MS] = [1_000, 300_000];
/** The cost of a probe during an outage and of a rejected good call, in seconds of waiting. */
const PROBE_COST = 1;
const REJECTION_COST = 1;

/**
 * After recovery, good calls lose half of the open time on average. During an outage, each open time costs a probe. The
 * sum is least at sqrt(2 x recovery time x cost of a probe / (calls a second x cost of a rejected call)).
 *
 * @param rate calls per second of one process.
 */
export function openTime(rate: number, incidents: readonly Incident[], tuning: Tuning = TUNING): OpenTime {
  const failing = incidents.filter(({ kinds }) => kinds.includes('failing')).map(({ from, to }) => to - from);
  const recoveryMs = median(failing);
  if (failing.length < ENOUGH || recoveryMs === undefined || rate <= 0)
    return { ms: openTimeFor(rate, tuning), incidents: 0 };
  const best = 1_000 * Math.sqrt((2 * (recoveryMs / 1_000) * PROBE_COST) / (rate * REJECTION_COST));
  const whole = Math.round(Math.min(LONGEST_MS, Math.max(SHORTEST_MS, best)) / 1_000) * 1_000;
  return { ms: whole, incidents: failing.length, recoveryMs };
}

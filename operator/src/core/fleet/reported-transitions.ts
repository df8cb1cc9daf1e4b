import { type BreakerReport, type Totals, TRIP_CONDITIONS } from '@fuseboard/schema';
import type { BreakerEntry } from './agent-record.ts';
import { sameTotals } from './totals.ts';
import { type Moment, repeatedTransitions } from './transition-digest.ts';

/** The transitions of a report that the previous report of the breaker did not have. `now` is when the report came. */
export function newTransitions(
  known: BreakerEntry | undefined,
  { base }: BreakerReport,
  reported: readonly Moment[],
): readonly Moment[] {
  return reported.slice(known === undefined ? 0 : repeated(known, base, reported));
}

/** The transitions of a report, with their times on the clock of `now`. */
export const momentsOf = ({ transitions = [] }: BreakerReport, now: number): readonly Moment[] =>
  transitions.map(({ from, to, reason, agoMs }) => ({ from, to, reason, at: now - agoMs }));

/** Whether `base` proves that the agent received the answer to its previous report. */
const isAnswered = ({ counted, totals }: BreakerEntry, base: Totals | undefined) =>
  counted && base !== undefined && sameTotals(base, totals);

/**
 * How many transitions at the start of `reported` were already in the previous report. An agent repeats them when the
 * answer to that report was lost.
 */
const repeated = (entry: BreakerEntry, base: Totals | undefined, reported: readonly Moment[]) =>
  isAnswered(entry, base) ? 0 : repeatedTransitions(entry.transitions, reported);

/** The reasons of openings that failures cause. After an override, a failed probe begins an outage. */
const BY_FAILURES: ReadonlySet<string> = new Set([
  ...TRIP_CONDITIONS.filter(({ measures }) => measures !== 'slow').map(({ reason }) => reason),
  'probe-failed',
]);

/** The failure that opened a circuit; absent when the opening has another reason. */
export function openingError(reason: string, { lastError }: BreakerReport): string | undefined {
  return lastError && BY_FAILURES.has(reason) ? `${lastError.name}: ${lastError.message}` : undefined;
}

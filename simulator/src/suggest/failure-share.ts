import type { Trace } from '../calls/trace.ts';
import { FLOORS } from './recipe.ts';
import type { Form } from './rule.ts';
import { endedCalls, greatestShare } from './window-scan.ts';

/** At which share of failures the circuit opens, and the greatest that a window of calm traffic held. */
export interface ShareChoice {
  readonly percent: number;
  /** 0 to 1. */
  readonly greatestCalm: number;
  readonly isLowered: boolean;
}

/** Percent points that stay free between what calm traffic shows and the threshold. */
const HEADROOM = 15;
const LOWEST = 30;
const HIGHEST = 90;
/** Below this many failures recorded in calm traffic nothing is lowered. */
const ENOUGH_FAILURES = 10;
const ENOUGH_CALLS = 20;

/**
 * The lowest share of failures, in steps of 5, that stays clear of calm traffic; below the floor only if failures were
 * recorded in it.
 */
export function failureShare(calm: readonly Trace[], form: Form, minimumCalls: number, failures: number): ShareChoice {
  const greatestCalm = Math.max(
    0,
    ...calm.map((trace) => {
      const { end, failed } = endedCalls(trace);
      return greatestShare(end, failed, form, minimumCalls);
    }),
  );
  const clear = Math.ceil((greatestCalm * 100 + HEADROOM) / 5) * 5;
  const mayLower = failures >= ENOUGH_FAILURES && minimumCalls >= ENOUGH_CALLS;
  const floor = mayLower ? LOWEST : FLOORS.failurePercent;
  const percent = Math.min(HIGHEST, Math.max(floor, clear));
  return { percent, greatestCalm, isLowered: percent < FLOORS.failurePercent };
}

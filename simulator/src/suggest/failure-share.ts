import type { Trace } from '../calls/trace.ts';
import type { Form } from './rule.ts';
import { TUNING, type Tuning } from './tuning.ts';
import { endedCalls, greatestShare } from './window-scan.ts';

/** The failure rate that opens the circuit, and the greatest rate in a window of calm traffic. */
export interface ShareChoice {
  readonly percent: number;
  /** 0 to 1. */
  readonly greatestCalm: number;
  readonly isLowered: boolean;
}

const LOWEST = 30;
const HIGHEST = 90;
/** The threshold stays at the floor with fewer recorded failures in calm traffic than this. */
const ENOUGH_FAILURES = 10;
const ENOUGH_CALLS = 20;

/**
 * The lowest failure rate, in steps of 5, with a margin above calm traffic. It is below the floor only when calm
 * traffic has enough recorded failures.
 */
export function failureShare(
  calm: readonly Trace[],
  form: Form,
  minimumCalls: number,
  failures: number,
  { failurePercent, failureHeadroom }: Tuning = TUNING,
): ShareChoice {
  const greatestCalm = Math.max(
    0,
    ...calm.map((trace) => {
      const { end, failed } = endedCalls(trace);
      return greatestShare(end, failed, form, minimumCalls);
    }),
  );
  const clear = Math.ceil((greatestCalm * 100 + failureHeadroom) / 5) * 5;
  const mayLower = failures >= ENOUGH_FAILURES && minimumCalls >= ENOUGH_CALLS;
  const floor = mayLower ? LOWEST : failurePercent;
  const percent = Math.min(HIGHEST, Math.max(floor, clear));
  return { percent, greatestCalm, isLowered: percent < failurePercent };
}

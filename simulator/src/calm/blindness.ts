import type { Trace } from '../calls/trace.ts';
import type { Spec } from '../replay/replay.ts';
import { minimumCallsOf, windowOf } from '../replay/window-of.ts';

/** The maximum length at which a pause counts. */
const LONGEST_GAP_MS = 60_000;

/**
 * The share of time in which the rates of a policy are not evaluated, because its window has too few calls; 0 to 1. It
 * is 1 without a rate.
 */
export function blindOf({ trip }: Spec, traces: readonly Trace[]): number {
  if (trip?.failureRate === undefined && trip?.slowCallRate === undefined) return 1;
  const window = windowOf(trip);
  return blindShare(traces, window.type === 'Time' ? window.ms : Number.POSITIVE_INFINITY, minimumCallsOf(trip));
}

/**
 * The share of active time in which fewer than `minimum` calls ended in the last `windowMs`, so that a rate is not
 * evaluated.
 */
function blindShare(traces: readonly Trace[], windowMs: number, minimum: number): number {
  let [blind, all] = [0, 0];
  for (const { start, duration } of traces) {
    const end = start.map((at, i) => at + duration[i]!).sort();
    for (let i = 0; i + 1 < end.length; i++) {
      const [now, next] = [end[i]!, end[i + 1]!];
      const gap = Math.min(next - now, LONGEST_GAP_MS);
      all += gap;
      const oldest = i - minimum + 1;
      const seesUntil = oldest < 0 ? now : end[oldest]! + windowMs;
      blind += Math.max(0, Math.min(gap, now + gap - Math.max(now, seesUntil)));
    }
  }
  return all === 0 ? 1 : blind / all;
}

import { FAILURE, IGNORED, SUCCESS, type Trace, UNKNOWN } from '../calls/trace.ts';
import { quantile } from '../statistics/limits.ts';

/** Figures of the calm traffic of a breaker. Each process counts separately, because it has its own circuit. */
export interface CalmFigures {
  readonly processes: number;
  readonly calls: number;
  readonly failures: number;
  /** Total time in which processes made calls, in milliseconds, without long pauses. */
  readonly activeMs: number;
  /** Calls per second of one active process. */
  readonly rate: number;
  /** Durations of successes in milliseconds, ascending. */
  readonly durations: Float64Array;
  /** Failures after a success or at the start. */
  readonly runStarts: number;
  /** Failures directly after another failure of the same process. */
  readonly runContinues: number;
}

/** A pause longer than a minute and than this many usual gaps is time without recording or use. */
const PAUSE_GAPS = 30;
const SHORTEST_PAUSE_MS = 60_000;

/** @param traces calm stretches, see `calmTraces`. */
export function calmFigures(traces: readonly Trace[]): CalmFigures {
  const durations: number[] = [];
  let [calls, failures, runStarts, runContinues] = [0, 0, 0, 0];
  for (const { start, duration, outcome } of traces) {
    let isRunning = false;
    for (let i = 0; i < start.length; i++) {
      const each = outcome[i];
      if (each === IGNORED || each === UNKNOWN) continue;
      calls++;
      if (each === SUCCESS) durations.push(duration[i]!);
      else {
        failures++;
        if (isRunning) runContinues++;
        else runStarts++;
      }
      isRunning = each === FAILURE;
    }
  }
  const activeMs = activeTime(traces);
  return {
    processes: new Set(traces.map(({ process }) => process)).size,
    calls,
    failures,
    activeMs,
    rate: activeMs > 0 ? (calls * 1_000) / activeMs : 0,
    durations: Float64Array.from(durations).sort(),
    runStarts,
    runContinues,
  };
}

/** The active time of the traces' processes, in milliseconds, without pauses. */
export function activeTime(traces: readonly Trace[]): number {
  const gaps = traces.flatMap(({ start }) => Array.from(start.subarray(1), (at, i) => at - start[i]!));
  if (gaps.length === 0) return 0;
  const sorted = Float64Array.from(gaps).sort();
  const usual = sorted.subarray(0, Math.ceil(sorted.length * 0.95));
  const mean = usual.reduce((sum, gap) => sum + gap, 0) / usual.length;
  const pause = Math.max(SHORTEST_PAUSE_MS, PAUSE_GAPS * mean);
  return sorted.reduce((sum, gap) => sum + (gap > pause ? 0 : gap), 0);
}

/** A quantile of the durations of calm successes. @returns undefined when there were none. */
export function calmQuantile({ durations }: CalmFigures, p: number): number | undefined {
  return durations.length === 0 ? undefined : quantile(durations, p);
}

import { FAILURE, type Trace } from '../calls/trace.ts';
import type { CalmFigures } from '../calm/figures.ts';
import { quantile, upperQuantile } from '../statistics/limits.ts';
import { twoDigits } from './rule.ts';

/** The effects of a time limit. */
interface TimeoutRow {
  /** Percentile of calm successes, 0 to 1. */
  readonly percentile: number;
  /**
   * The duration at the percentile; `upperMs` is its upper limit with 95 % confidence, undefined when there are too few
   * successes.
   */
  readonly ms: number;
  readonly upperMs: number | undefined;
  /** Successes per day that this limit would cut off. */
  readonly cutPerDay: number;
  /** Waiting time in failing calls of incidents that the limit would have saved, in seconds. */
  readonly sparedSeconds: number;
}

export interface Timeouts {
  readonly rows: readonly TimeoutRow[];
  /**
   * The upper limit of p99.9 plus a fifth, and at least twice the median. Absent: too few successes; p99.9 needs 2,995.
   */
  readonly proposedMs?: number;
  /** The recorded time limit: many durations equal the longest one, so longer durations were not observed. */
  readonly cutOffMs?: number;
}

const PERCENTILES = [0.99, 0.995, 0.999, 0.9995];
const DAY_MS = 86_400_000;

/** @param inIncidents the calls during incidents. */
export function timeouts({ durations, activeMs }: CalmFigures, inIncidents: readonly Trace[]): Timeouts {
  if (durations.length === 0) return { rows: [] };
  const rows = PERCENTILES.map((percentile): TimeoutRow => {
    const ms = quantile(durations, percentile);
    const upperMs = upperQuantile(durations, percentile);
    const limit = upperMs ?? ms;
    const cut = durations.length - durations.findLastIndex((each) => each <= limit) - 1;
    return {
      percentile,
      ms,
      upperMs,
      cutPerDay: activeMs > 0 ? (cut * DAY_MS) / activeMs : 0,
      sparedSeconds: sparedSeconds(inIncidents, limit),
    };
  });
  const upper = rows.find(({ percentile }) => percentile === 0.999)?.upperMs;
  const cutOffMs = cutOff(durations);
  return {
    rows,
    ...(upper === undefined ? {} : { proposedMs: twoDigits(Math.max(upper * 1.2, 2 * quantile(durations, 0.5))) }),
    ...(cutOffMs === undefined ? {} : { cutOffMs }),
  };
}

function sparedSeconds(traces: readonly Trace[], limit: number): number {
  let ms = 0;
  for (const { duration, outcome } of traces) {
    for (let i = 0; i < duration.length; i++) if (outcome[i] === FAILURE) ms += Math.max(0, duration[i]! - limit);
  }
  return ms / 1_000;
}

/** Detects a recorded time limit: one call in a hundred is within 1 % of the longest. */
function cutOff(durations: Float64Array): number | undefined {
  const longest = durations.at(-1)!;
  const near = durations.length - durations.findIndex((ms) => ms >= longest * 0.99);
  return durations.length >= 100 && near >= durations.length / 100 ? longest : undefined;
}

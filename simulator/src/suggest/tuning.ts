/**
 * The constants behind a suggestion. `npm run eval:thresholds -- DIR --sensitivity` varies each of them and shows what
 * that changes. Shares are 0 to 1, times milliseconds, thresholds percent, margins percentage points.
 */
export interface Tuning {
  /** With fewer calm calls there is no search; the suggestion is the default for this rate of calls. */
  readonly enoughCalls: number;
  /** Without other evidence, a rate is taken over at least this many calls. */
  readonly minimumCalls: number;
  /** Without other evidence, the failure rate that opens the circuit. */
  readonly failurePercent: number;
  /** Margin between the greatest failure rate in calm traffic and the threshold. */
  readonly failureHeadroom: number;
  /** Without other evidence, the run of failures that opens the circuit at one call per second and above. */
  readonly run: number;
  readonly shortestRun: number;
  /** How often the call after a failed one also fails, outside of incidents; measured on recorded series. */
  readonly failsAgain: number;
  /** Margin above the longest usual run of failures in calm traffic; one less below one call per second. */
  readonly runRoom: number;
  /** A run is raised to no more than this many times the run without evidence. */
  readonly mostRuns: number;
  /** A window should contain this many times the minimum of calls, or else it has too few calls too often. */
  readonly windowRoom: number;
  /** A call is slow when it takes this many times as long as a normal one. */
  readonly timesUsual: number;
  /** The share of calm calls that never count as slow, with few recorded calls and with enough. */
  readonly carefulPercentile: number;
  readonly plainPercentile: number;
  /**
   * The number of calls for a share of slow calls. When a fifth of calm calls are slow, six slow calls of ten occur by
   * chance sixty times as often as twelve of twenty.
   */
  readonly slowCalls: number;
  readonly slowPercent: number;
  /** A search with a smaller gain over the plain rule fits the injected faults and not the traffic. */
  readonly worthASearch: number;
  /**
   * Calm traffic is also examined with all durations multiplied by this factor, so that a slower day counts as calm.
   */
  readonly slowMargin: number;
  /** Margin between the threshold and the greatest share of slow calls in calm traffic. */
  readonly slowHeadroom: number;
  /** How long the circuit stays open: at 5 calls per second and above, at 0.5, and below. */
  readonly openMs: readonly [busy: number, usual: number, quiet: number];
}

export const TUNING: Tuning = {
  enoughCalls: 1_000,
  minimumCalls: 10,
  failurePercent: 50,
  failureHeadroom: 15,
  run: 5,
  shortestRun: 3,
  failsAgain: 0.4,
  runRoom: 2,
  mostRuns: 4,
  windowRoom: 2,
  timesUsual: 3,
  carefulPercentile: 0.95,
  plainPercentile: 0.7,
  slowCalls: 20,
  slowPercent: 60,
  worthASearch: 0.1,
  slowMargin: 1.5,
  slowHeadroom: 10,
  openMs: [5_000, 10_000, 30_000],
};

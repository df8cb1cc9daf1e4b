import { seededRandom } from '../src/calls/random.ts';
import { FAILURE, SUCCESS, type Trace } from '../src/calls/trace.ts';

/** Traffic that is made up, so that the truth about it is known. */
export interface Made {
  readonly seconds: number;
  /** Calls a second. */
  readonly rate: number;
  /** The share of calls that fail on their own. */
  readonly failing?: number;
  /** Bursts an hour, each of `burstMs`, in which `burstFailing` of the calls fail. */
  readonly burstsPerHour?: number;
  readonly burstMs?: number;
  readonly burstFailing?: number;
  /** Bad stretches a day, each of `stormMs`, in which bursts are `stormTimes` as frequent. */
  readonly stormsPerDay?: number;
  readonly stormMs?: number;
  readonly stormTimes?: number;
  /** An outage: all calls fail. */
  readonly outage?: readonly [fromSecond: number, toSecond: number];
  /** A slow-down: calls take ten times as long. */
  readonly slow?: readonly [fromSecond: number, toSecond: number];
  /** The median of durations in milliseconds, which are spread log-normally. Absent: 20. */
  readonly medianMs?: number;
}

/** Calls of one process, at random times of the given rate. */
export function made(options: Made, seed: number): Trace {
  const random = seededRandom(seed);
  const {
    seconds,
    rate,
    failing = 0,
    burstsPerHour = 0,
    burstMs = 10_000,
    burstFailing = 0.9,
    stormsPerDay = 0,
    stormMs = 3_600_000,
    stormTimes = 20,
    medianMs = 20,
  } = options;
  const [start, duration, outcome]: [number[], number[], number[]] = [[], [], []];
  const wait = (perSecond: number) => (-Math.log(1 - random()) / perSecond) * 1_000;
  const inside = (at: number, stretch: readonly [number, number] | undefined) =>
    stretch !== undefined && at >= stretch[0] * 1_000 && at < stretch[1] * 1_000;
  const gapTo = (perSecond: number) => (perSecond > 0 ? wait(perSecond) : Number.POSITIVE_INFINITY);
  let storm = gapTo(stormsPerDay / 86_400);
  /** The next burst after a time. Waiting begins again where a storm begins or ends, as waits have no memory. */
  const burstAfter = (time: number): number => {
    for (let from = time; ; ) {
      while (from >= storm + stormMs) storm += stormMs + gapTo(stormsPerDay / 86_400);
      const isStorm = from >= storm;
      const until = isStorm ? storm + stormMs : storm;
      const next = from + gapTo((burstsPerHour * (isStorm ? stormTimes : 1)) / 3_600);
      if (next < until || until === Number.POSITIVE_INFINITY) return next;
      from = until;
    }
  };
  let nextBurst = burstsPerHour > 0 ? burstAfter(0) : Number.POSITIVE_INFINITY;
  for (let at = wait(rate); at < seconds * 1_000; at += wait(rate)) {
    while (at >= nextBurst + burstMs) nextBurst = burstAfter(nextBurst + burstMs);
    const share = inside(at, options.outage) ? 1 : at >= nextBurst ? burstFailing : failing;
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    start.push(at);
    duration.push(medianMs * Math.exp(0.5 * normal) * (inside(at, options.slow) ? 10 : 1));
    outcome.push(random() < share ? FAILURE : SUCCESS);
  }
  return {
    process: `made-${seed}`,
    start: Float64Array.from(start),
    duration: Float64Array.from(duration),
    outcome: Uint8Array.from(outcome),
  };
}

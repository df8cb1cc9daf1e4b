import { latencyBoundMs } from '@fuseboard/schema/defaults';
import { TRIP_CONDITIONS, TRIP_TEXTS, type TripCondition } from '@fuseboard/schema/trip-conditions';
import type { Thresholds } from '../../src/core/policy/thresholds.ts';
import type { Ring } from '../../src/core/ring.ts';
import { MEASURES, SLOTS } from '../../src/core/slots.ts';
import type { BreakerRow, Counted } from '../../src/core/views/breaker-row.ts';

/** Numbers by slot, the oldest first. Each number is the sum over the policy's window that ends with its slot. */
export interface Plot {
  readonly calls: readonly number[];
  /**
   * The calls compared with the threshold: failed calls, or slow ones when the policy has only a condition on slow
   * calls.
   */
  readonly measured: readonly number[];
  readonly rejected: readonly number[];
  /** The number of measured calls that opens the circuit; undefined when there are too few calls for a rate. */
  readonly limit: readonly (number | undefined)[];
}

export type Measured = 'failed' | 'slow';

const indexOf = (measure: (typeof MEASURES)[number]) => MEASURES.indexOf(measure);

/** The measured calls in the plot of a tile, from the thresholds of its policy. */
export function measuredOf(thresholds: Thresholds | undefined): Measured {
  const set = setIn(thresholds).map(({ condition }) => measured(condition));
  return set.length > 0 && set.every((each) => each === 'slow') ? 'slow' : 'failed';
}

const measured = ({ measures }: TripCondition): Measured => (measures === 'slow' ? 'slow' : 'failed');

/** The conditions in the policy, with their thresholds. */
const setIn = (thresholds: Thresholds | undefined) =>
  TRIP_CONDITIONS.flatMap((condition) => {
    const threshold = thresholds?.[condition.field];
    return threshold === undefined ? [] : [{ condition, threshold }];
  });

/** Sums over the policy's window for the last `slots` slots up to `current`. */
function windows(ring: Ring, current: number, slots: number, windowSlots: number): number[][] {
  const width = MEASURES.length;
  const raw = ring.read(current - slots - windowSlots + 2, current);
  const sums: number[][] = Array.from({ length: width }, () => new Array<number>(slots).fill(0));
  const running = new Array<number>(width).fill(0);
  for (let at = 0; at < raw.length / width; at += 1) {
    for (let i = 0; i < width; i += 1) {
      running[i]! += raw[at * width + i]!;
      if (at >= windowSlots) running[i]! -= raw[(at - windowSlots) * width + i]!;
      if (at >= windowSlots - 1) sums[i]![at - windowSlots + 1] = running[i]!;
    }
  }
  return sums;
}

/**
 * The plot of a row.
 *
 * @param agents number of processes. Thresholds apply to one process, while counts are sums over all of them, so the
 * line shows where processes reach the threshold on average.
 */
export function plotOf(
  ring: Ring,
  current: number,
  slotMs: number,
  thresholds: Thresholds | undefined,
  agents: number,
  slots = SLOTS,
  plotted: Measured = measuredOf(thresholds),
): Plot {
  const windowSlots = Math.max(1, Math.ceil((thresholds?.windowMs ?? 10_000) / slotMs));
  const sums = windows(ring, current, slots, windowSlots);
  const calls = sums[indexOf('calls')]!;
  return {
    calls,
    measured: sums[indexOf(plotted)]!,
    rejected: sums[indexOf('rejected')]!,
    limit: calls.map((seen) => limitOf(thresholds, plotted, seen, Math.max(1, agents))),
  };
}

/** The number of failed or slow calls among `calls` that opens the circuit, on average over the processes. */
export function limitOf(
  thresholds: Thresholds | undefined,
  plotted: Measured,
  calls: number,
  agents: number,
): number | undefined {
  if (thresholds === undefined) return undefined;
  const limits = setIn(thresholds).flatMap(({ condition, threshold }) => {
    if (measured(condition) !== plotted) return [];
    if (!condition.isRate) return [threshold * agents];
    return calls >= thresholds.minimumCalls * agents ? [(calls * threshold) / 100] : [];
  });
  return limits.length === 0 ? undefined : Math.min(...limits);
}

/** The sums over the policy's window up to now. */
export function counted(ring: Ring, current: number, slotMs: number, windowMs: number): Counted {
  const [calls, failed, slow, rejected] = ring.sum(current - Math.max(1, Math.ceil(windowMs / slotMs)) + 1, current);
  return { calls: calls!, failed: failed!, slow: slow!, rejected: rejected! };
}

/** A quantile of latency buckets, in milliseconds, as the upper bound of its bucket; undefined without calls. */
export function quantile(buckets: readonly number[], share: number): number | undefined {
  const total = buckets.reduce((sum, calls) => sum + calls, 0);
  if (total === 0) return undefined;
  let seen = 0;
  const at = buckets.findIndex((calls) => {
    seen += calls;
    return seen >= share * total;
  });
  return latencyBoundMs(at);
}

/** The conditions that open the circuit, in words, to follow `opens at`. */
export function conditions(thresholds: Thresholds): string[] {
  const { slowerThanMs, minimumCalls } = thresholds;
  const least = `of ≥ ${minimumCalls} ${minimumCalls === 1 ? 'call' : 'calls'}`;
  return setIn(thresholds).map(({ condition, threshold }) => {
    const text = TRIP_TEXTS[condition.field](threshold, slowerThanMs);
    return condition.isRate ? `${text} ${least}` : text;
  });
}

/** Ranks of breakers; the worst has the lowest index. */
export const RANKS = ['open', 'half-open', 'shadow-open', 'closed', 'none'] as const;
export type Rank = (typeof RANKS)[number];

export const rankOf = ({ state, shadow }: Pick<BreakerRow, 'state' | 'shadow'>): Rank =>
  state === 'open' && shadow ? 'shadow-open' : state;

/** Whether a breaker needs no attention. */
export const isWell = (row: BreakerRow | undefined) =>
  row === undefined || ((row.state === 'closed' || row.state === 'none') && row.outage === undefined);

/** A recently closed breaker is between those that are not closed and the healthy ones. */
const place = (row: BreakerRow) => RANKS.indexOf(rankOf(row)) - (isWell(row) || row.state !== 'closed' ? 0 : 0.5);

/** Rejected calls per second on a logarithmic scale, so that tiles do not change places with every count. */
const weight = ({ outage }: BreakerRow) => Math.round(Math.log2(1 + (outage?.refusedPerSecond ?? 0)));

/** The order of the board: by rank, then by rejected calls, affected agents, and name. */
export function worse(a: BreakerRow, b: BreakerRow): number {
  return (
    place(a) - place(b) ||
    weight(b) - weight(a) ||
    b.states.open - a.states.open ||
    order(a.namespace, b.namespace) ||
    order(a.breaker, b.breaker) ||
    order(a.id, b.id)
  );
}

const order = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

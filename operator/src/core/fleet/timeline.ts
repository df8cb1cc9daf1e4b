import { latencyBoundMs } from '@fuseboard/schema';
import { Ring } from '../ring.ts';

/** The summed counts of a slot, in this order, and the levels of which a slot keeps the maximum. */
const SUMMED = ['calls', 'failed', 'slow', 'rejected', 'fallback', 'started'] as const;
const HIGHEST = ['open', 'halfOpen'] as const;
export const TIMELINE_COLUMNS = [...SUMMED, ...HIGHEST] as const;

/**
 * The time ranges, with the length and number of their slots. Latencies have longer slots, because a slot has a count
 * for each row. Agents report every 10 s, so a slot has several reports of each.
 */
export const TIMELINE_RANGES = {
  '1h': { slotMs: 20_000, slots: 180, latencySlotMs: 60_000, latencySlots: 60 },
  '24h': { slotMs: 300_000, slots: 288, latencySlotMs: 1_800_000, latencySlots: 48 },
} as const;
export type TimelineRange = keyof typeof TIMELINE_RANGES;
export const RANGE_NAMES = Object.keys(TIMELINE_RANGES) as readonly TimelineRange[];

/** Agents measure with a clock of 5 ms steps, so calls up to this bucket, 8 ms, are one row. */
const FIRST_BUCKET = 6;
const BUCKETS = 14;

/** The upper bounds of the latency rows, in milliseconds. The last row also counts all slower calls. */
export const TIMELINE_BOUNDS_MS: readonly number[] = Array.from({ length: BUCKETS }, (_, i) =>
  latencyBoundMs(FIRST_BUCKET + i),
);

/** Memory of one timeline, in bytes. It depends neither on the number of agents nor on the time. */
export const TIMELINE_BYTES =
  4 *
  Object.values(TIMELINE_RANGES).reduce(
    (sum, { slots, latencySlots }) => sum + slots * TIMELINE_COLUMNS.length + latencySlots * BUCKETS,
    0,
  );

/** Counts by slot, the oldest slot first. */
export interface TimelinePart {
  /** Start time of the first slot, in milliseconds. */
  readonly begin: number;
  readonly slotMs: number;
  /** The columns of all slots, slot after slot. */
  readonly values: readonly number[];
}

interface Rings {
  readonly counts: Ring;
  readonly levels: Ring;
  readonly latency: Ring;
}

/** The calls, states and latencies of one breaker over the last hour and the last day, in a fixed number of slots. */
export class Timeline {
  readonly #rings = Object.fromEntries(
    RANGE_NAMES.map((range) => {
      const { slots, latencySlots } = TIMELINE_RANGES[range];
      const counts = new Ring(slots, SUMMED.length);
      return [range, { counts, levels: new Ring(slots, HIGHEST.length), latency: new Ring(latencySlots, BUCKETS) }];
    }),
  ) as unknown as Readonly<Record<TimelineRange, Rings>>;

  /** Adds calls in the order of the columns, and their latencies by bucket of the agents. */
  count(counts: readonly number[], latency: readonly number[], at: number): void {
    const rows = new Array<number>(BUCKETS).fill(0);
    latency.forEach((calls, bucket) => {
      rows[Math.min(BUCKETS - 1, Math.max(0, bucket - FIRST_BUCKET))]! += calls;
    });
    for (const range of RANGE_NAMES) {
      const { slotMs, latencySlotMs } = TIMELINE_RANGES[range];
      this.#rings[range].counts.add(Math.floor(at / slotMs), counts);
      this.#rings[range].latency.add(Math.floor(at / latencySlotMs), rows);
    }
  }

  /** Counts an agent that started to report the breaker. */
  started(at: number): void {
    const counts = SUMMED.map((name) => Number(name === 'started'));
    for (const range of RANGE_NAMES) {
      this.#rings[range].counts.add(Math.floor(at / TIMELINE_RANGES[range].slotMs), counts);
    }
  }

  /** Raises the numbers of agents with an open and with a half-open circuit. */
  observe(open: number, halfOpen: number, at: number): void {
    for (const range of RANGE_NAMES) {
      const { levels } = this.#rings[range];
      const slot = Math.floor(at / TIMELINE_RANGES[range].slotMs);
      const [before = 0, beforeHalf = 0] = levels.read(slot, slot);
      levels.set(slot, [Math.max(open, before), Math.max(halfOpen, beforeHalf)]);
    }
  }

  /** The columns of a range up to now. */
  read(range: TimelineRange, now: number): TimelinePart {
    const { slotMs, slots } = TIMELINE_RANGES[range];
    const { counts, levels } = this.#rings[range];
    const last = Math.floor(now / slotMs);
    const first = Math.max(0, last - slots + 1);
    const values: number[] = [];
    for (let slot = first; slot <= last; slot += 1) values.push(...counts.read(slot, slot), ...levels.read(slot, slot));
    return { begin: first * slotMs, slotMs, values };
  }

  /** The calls of a range by slot and latency. */
  readLatency(range: TimelineRange, now: number): TimelinePart {
    const { latencySlotMs: slotMs, latencySlots } = TIMELINE_RANGES[range];
    const last = Math.floor(now / slotMs);
    const first = Math.max(0, last - latencySlots + 1);
    return { begin: first * slotMs, slotMs, values: this.#rings[range].latency.read(first, last) };
  }
}

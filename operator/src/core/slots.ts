/** Calls are counted in time slots of this length. The newest `SLOTS` slots are kept. */
export const SLOT_MS = 2_000;
export const SLOTS = 150;

export const slotOf = (at: number) => Math.floor(at / SLOT_MS);

/** A report is spread over at most this much time. */
const SPREAD_MS = 30_000;

/**
 * Spreads what a report counted over the slots since the previous report, in whole numbers: agents report every 10 s,
 * and their calls did not all happen when the report arrived.
 *
 * @param from when the previous report arrived.
 * @param at when this report arrived.
 * @returns a time in each slot, with its counts.
 */
export function spread(counts: readonly number[], from: number, at: number): [at: number, counts: number[]][] {
  const slots = Math.max(1, Math.ceil(Math.min(at - from, SPREAD_MS) / SLOT_MS));
  const upTo = (count: number, slot: number) => Math.round((count * slot) / slots);
  return Array.from({ length: slots }, (_, slot) => [
    at - (slots - 1 - slot) * SLOT_MS,
    counts.map((count) => upTo(count, slot + 1) - upTo(count, slot)),
  ]);
}

/** The counts in a slot, in this order. */
export const MEASURES = ['calls', 'failed', 'slow', 'rejected'] as const;

/** Calls are counted in time slots of this length. The newest `SLOTS` slots are kept. */
export const SLOT_MS = 2_000;
export const SLOTS = 150;

export const slotOf = (at: number) => Math.floor(at / SLOT_MS);

/** The counts in a slot, in this order. */
export const MEASURES = ['calls', 'failed', 'slow', 'rejected'] as const;

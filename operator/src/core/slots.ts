/** Calls are counted in slots of this length, of which the newest `SLOTS` are kept. */
export const SLOT_MS = 2_000;
export const SLOTS = 150;

export const slotOf = (at: number) => Math.floor(at / SLOT_MS);

/** What a slot counts, in this order. */
export const MEASURES = ['calls', 'failed', 'slow', 'rejected'] as const;

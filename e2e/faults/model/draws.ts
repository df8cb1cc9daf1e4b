/** Draws that are the same for the same seed on every machine. */
export interface Draws {
  /** From 0 up to, not including, 1. */
  unit(): number;
  /** A whole number from `min` to `max`, both included. */
  whole(min: number, max: number): number;
  pick<T>(list: readonly T[]): T;
}

/** The generator Mulberry32 of Tommy Ettinger: 32 bits of state, more than a schedule needs. */
export function draws(seed: number): Draws {
  let state = seed >>> 0;
  const unit = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const whole = (min: number, max: number) => min + Math.floor(unit() * (max - min + 1));
  return { unit, whole, pick: (list) => list[whole(0, list.length - 1)]! };
}

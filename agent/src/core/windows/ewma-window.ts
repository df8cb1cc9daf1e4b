/** Decay steps in a half-life. */
const STEPS = 10;

/**
 * An exponentially weighted moving count: each call counts half as much after every half-life. The counts decay in
 * steps of a tenth of the half-life, so that recording a call computes no power.
 */
export class EwmaWindow {
  calls = 0;
  failures = 0;
  slow = 0;
  #step: number;
  /** The index of the step that the counts are decayed to. */
  #current: number;

  constructor(halfLifeMs: number, now: number) {
    this.#step = halfLifeMs / STEPS;
    this.#current = Math.floor(now / this.#step);
  }

  get steadyUntil(): number {
    return (this.#current + 1) * this.#step;
  }

  succeed(now: number): boolean {
    this.record(now, false, false);
    return this.failures + this.slow === 0;
  }

  record(now: number, failed: boolean, slow: boolean): void {
    this.advance(now);
    this.calls++;
    if (failed) this.failures++;
    if (slow) this.slow++;
  }

  advance(now: number): void {
    const target = Math.floor(now / this.#step);
    if (target <= this.#current) return;
    const share = 2 ** ((this.#current - target) / STEPS);
    this.calls *= share;
    this.failures *= share;
    this.slow *= share;
    this.#current = target;
  }

  clear(): void {
    this.calls = 0;
    this.failures = 0;
    this.slow = 0;
  }

  /** Changes the half-life; the current counts stay. */
  resize(halfLifeMs: number, now: number): void {
    this.advance(now);
    this.#step = halfLifeMs / STEPS;
    this.#current = Math.floor(now / this.#step);
  }
}

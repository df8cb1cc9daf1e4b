/** How often in a half-life the counts decay. */
const STEPS = 10;

/**
 * All calls since the window was last empty, each counting half as much after every half-life: an exponentially
 * weighted moving count. The counts decay a tenth of the half-life at a time, so that recording costs no power.
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

  /** Changes how fast calls fade; what they count now stays. */
  resize(halfLifeMs: number, now: number): void {
    this.advance(now);
    this.#step = halfLifeMs / STEPS;
    this.#current = Math.floor(now / this.#step);
  }
}

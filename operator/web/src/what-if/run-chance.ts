/** Chances below this are left out. */
const NEGLIGIBLE = 1e-12;

/** The chance that a process had a run of failures, when failures come in random order. */
export class RunChance {
  readonly #length: number;
  /** The chance of each number of failures in a row so far, from none to one less than the run. */
  #chances: number[] = [1];
  #due = 0;
  /** The chance that there was a run, from 0 to 1. */
  value = 0;

  /** @param length how many failures make a run. */
  constructor(length: number) {
    this.#length = Math.ceil(length);
  }

  /**
   * Adds calls of which a share failed.
   *
   * @param calls whole calls count once there are enough parts of one.
   */
  add(calls: number, failing: number): void {
    this.#due += calls;
    let whole = Math.floor(this.#due + 1e-9);
    this.#due -= whole;
    if (failing <= 0 && whole > 0) {
      this.#chances = [1 - this.value];
      return;
    }
    // After several runs' worth of calls, each further call has the same chance to complete one.
    const each = Math.min(whole, 4 * this.#length);
    let before = 1 - this.value;
    for (let i = 0; i < each; i += 1) {
      before = 1 - this.value;
      this.#call(failing);
    }
    whole -= each;
    const left = 1 - this.value;
    if (whole <= 0 || left <= 0) return;
    const kept = (left / before) ** whole;
    this.#chances = this.#chances.map((one) => one * kept);
    this.value = 1 - left * kept;
  }

  #call(failing: number): void {
    const next = [(1 - this.value) * (1 - failing)];
    this.#chances.forEach((chance, run) => {
      const longer = chance * failing;
      if (run + 1 >= this.#length) this.value += longer;
      else if (longer > NEGLIGIBLE) next[run + 1] = longer;
    });
    this.#chances = Array.from(next, (one) => one ?? 0);
  }
}

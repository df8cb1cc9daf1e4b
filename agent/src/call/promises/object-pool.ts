/** How many are kept. */
const MOST = 1_000;

/** Objects that wait for their next use. What each call needs costs more to make than all else that a breaker does. */
export class Spares<T> {
  readonly #spares: T[] = [];

  take(): T | undefined {
    return this.#spares.pop();
  }

  keep(spare: T): void {
    if (this.#spares.length < MOST) this.#spares.push(spare);
  }
}

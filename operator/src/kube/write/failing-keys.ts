/**
 * Tracks the keys of failing writes, so that a failure is logged once when it starts, however many keys fail or succeed
 * meanwhile.
 */
export class FailingKeys {
  /** The failure of each key. */
  readonly #failures = new Map<string, string>();

  /**
   * Records that a write failed.
   *
   * @returns whether no other key has this failure, so that it should be logged.
   */
  failed(key: string, failure: string): boolean {
    if (this.#failures.get(key) === failure) return false;
    const known = [...this.#failures.values()].includes(failure);
    this.#failures.set(key, failure);
    return !known;
  }

  /**
   * Records that a write succeeded or was dropped.
   *
   * @returns whether it was the last failing key.
   */
  ended(key: string): boolean {
    return this.#failures.delete(key) && this.#failures.size === 0;
  }
}

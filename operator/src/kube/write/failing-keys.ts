/**
 * Tracks the keys of failing writes, so that a failure is logged once when it starts, however many keys fail or succeed
 * meanwhile.
 */
export class FailingKeys {
  /** The failure of each key. */
  readonly #troubles = new Map<string, string>();

  /**
   * Records that a write failed.
   *
   * @returns whether no other key has this failure, so that it should be logged.
   */
  failed(key: string, trouble: string): boolean {
    if (this.#troubles.get(key) === trouble) return false;
    const known = [...this.#troubles.values()].includes(trouble);
    this.#troubles.set(key, trouble);
    return !known;
  }

  /**
   * Records that a write succeeded or was dropped.
   *
   * @returns whether it was the last failing key.
   */
  ended(key: string): boolean {
    return this.#troubles.delete(key) && this.#troubles.size === 0;
  }
}

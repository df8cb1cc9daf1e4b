/**
 * The keys of writes that currently fail, so that a failure is logged once when it begins, however many keys are
 * affected and however many others succeed.
 */
export class FailingKeys {
  /** What ails each key. */
  readonly #troubles = new Map<string, string>();

  /**
   * A write failed.
   *
   * @returns whether no other key has this trouble, so that it is to be logged.
   */
  failed(key: string, trouble: string): boolean {
    if (this.#troubles.get(key) === trouble) return false;
    const known = [...this.#troubles.values()].includes(trouble);
    this.#troubles.set(key, trouble);
    return !known;
  }

  /**
   * A write succeeded, or is not wanted any more.
   *
   * @returns whether it was the last one that failed.
   */
  ended(key: string): boolean {
    return this.#troubles.delete(key) && this.#troubles.size === 0;
  }
}

/** The number of calls that return every key once. */
const CALLS = 30;

/** Returns the keys of a changing set in turns, a part at each call, so that no call has much work. */
export class Rotation {
  #left: string[] = [];
  #part = 0;

  /** The next part of the keys. Some may have been removed from the set since the turn began. */
  next(keys: Iterable<string>): string[] {
    if (this.#left.length === 0) {
      this.#left = [...keys];
      this.#part = Math.ceil(this.#left.length / CALLS);
    }
    return this.#left.splice(0, this.#part);
  }
}

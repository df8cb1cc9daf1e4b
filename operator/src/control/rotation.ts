/** How many calls bring up every key once. */
const CALLS = 30;

/** Brings up every key of a changing set in turn, a part at each call, so that no call has much to do. */
export class Rotation {
  #left: string[] = [];
  #part = 0;

  /** The keys of this round that are still to come; some may have been removed from the set since. */
  next(keys: Iterable<string>): string[] {
    if (this.#left.length === 0) {
      this.#left = [...keys];
      this.#part = Math.ceil(this.#left.length / CALLS);
    }
    return this.#left.splice(0, this.#part);
  }
}

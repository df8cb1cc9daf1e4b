/** How many calls bring up every key once. */
const CALLS = 30;

/** Brings up every key of a changing set in turn, a part at each call, so that no call has much to do. */
export class Rotation {
  #left: string[] = [];
  #part = 0;

  /** The keys whose turn it is; some may have left the set since the round began. */
  next(keys: Iterable<string>): string[] {
    if (this.#left.length === 0) {
      this.#left = [...keys];
      this.#part = Math.ceil(this.#left.length / CALLS);
    }
    return this.#left.splice(0, this.#part);
  }
}

/** How many are kept. */
const MAX_POOLED = 1_000;

/** Objects that wait for their next use. What each call needs costs more to make than all else that a breaker does. */
export class ObjectPool<T> {
  readonly #free: T[] = [];

  acquire(): T | undefined {
    return this.#free.pop();
  }

  release(object: T): void {
    if (this.#free.length < MAX_POOLED) this.#free.push(object);
  }
}

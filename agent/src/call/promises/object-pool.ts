/** Maximum number of stored objects. */
const MAX_POOLED = 1_000;

/** Objects to reuse. To create the objects of a call costs more than all else that a breaker does. */
export class ObjectPool<T> {
  readonly #free: T[] = [];

  acquire(): T | undefined {
    return this.#free.pop();
  }

  release(object: T): void {
    if (this.#free.length < MAX_POOLED) this.#free.push(object);
  }
}

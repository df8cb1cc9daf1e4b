/** Returned to a promise, it rejects that promise: a thrown error costs the engine several times as much. */
export class RejectedThenable implements PromiseLike<never> {
  readonly #error: unknown;

  constructor(error: unknown) {
    this.#error = error;
  }

  // biome-ignore lint/suspicious/noThenProperty: being one is what it is for.
  then<A, B>(_: unknown, reject?: ((error: unknown) => B | PromiseLike<B>) | null): PromiseLike<A | B> {
    reject?.(this.#error);
    return this as PromiseLike<A | B>;
  }
}

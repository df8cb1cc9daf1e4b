/** Rejects a promise when its callback returns it. A throw in the callback costs the engine several times as much. */
export class RejectedThenable implements PromiseLike<never> {
  readonly #error: unknown;

  constructor(error: unknown) {
    this.#error = error;
  }

  // biome-ignore lint/suspicious/noThenProperty: it exists to be a thenable.
  then<A, B>(_: unknown, reject?: ((error: unknown) => B | PromiseLike<B>) | null): PromiseLike<A | B> {
    reject?.(this.#error);
    return this as PromiseLike<A | B>;
  }
}

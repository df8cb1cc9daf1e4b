/** The argument of a protected function. */
export interface CallContext {
  /**
   * Aborts when the caller's signal aborts, or at the timeout of the policy. Created when first read.
   */
  readonly signal: AbortSignal;
}

/** The function to protect. */
export type Call<T> = (context: CallContext) => T | PromiseLike<T>;

/**
 * The context of a call without a time limit: only the caller can abort it.
 *
 * @internal
 */
export class UntimedContext implements CallContext {
  #signal: AbortSignal | undefined;

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal;
  }

  get signal(): AbortSignal {
    this.#signal ??= new AbortController().signal;
    return this.#signal;
  }
}

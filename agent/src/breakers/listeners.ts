/** Those who want to hear of something. What one of them throws becomes a process warning and keeps nobody else from hearing. */
export class Listeners<A extends unknown[]> {
  #each: readonly { readonly call: (...args: A) => void }[] = [];

  get size(): number {
    return this.#each.length;
  }

  /** @returns a function that ends the subscription. */
  add(call: (...args: A) => void): () => void {
    const entry = { call };
    this.#each = [...this.#each, entry];
    return () => {
      this.#each = this.#each.filter((other) => other !== entry);
    };
  }

  /** @param subject what is told of, for the warning. */
  tell(subject: string, ...args: A): void {
    for (const { call } of this.#each) {
      try {
        call(...args);
      } catch (error) {
        process.emitWarning(`a listener of ${subject} threw: ${described(error)}`, { code: 'FUSEBOARD_LISTENER' });
      }
    }
  }
}

/** What was thrown, for a warning. */
export function described(error: unknown): string {
  try {
    return String(Object(error).stack ?? error);
  } catch {
    return 'a value that cannot be shown';
  }
}

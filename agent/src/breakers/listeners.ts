import { warnProcess } from '../errors/warnings.ts';

/**
 * The subscribers of one kind of event. A thrown error becomes a process warning, and the other subscribers are still
 * called.
 */
export class Listeners<A extends unknown[]> {
  #subscriptions: readonly { readonly call: (...args: A) => void }[] = [];

  get size(): number {
    return this.#subscriptions.length;
  }

  /** @returns a function that ends the subscription. */
  add(call: (...args: A) => void): () => void {
    const entry = { call };
    this.#subscriptions = [...this.#subscriptions, entry];
    return () => {
      this.#subscriptions = this.#subscriptions.filter((other) => other !== entry);
    };
  }

  /** @param subject the subject of the event, for the warning. */
  notify(subject: string, ...args: A): void {
    for (const { call } of this.#subscriptions) {
      try {
        call(...args);
      } catch (error) {
        warnProcess(`a listener of ${subject} threw: ${describeThrown(error)}`, 'FUSEBOARD_LISTENER');
      }
    }
  }
}

/** Describes a thrown value in a warning. */
export function describeThrown(error: unknown): string {
  try {
    return String(Object(error).stack ?? error);
  } catch {
    return 'a value that cannot be shown';
  }
}

import type { Call } from '../call/context.ts';
import type { ExecuteOptions } from '../call/execute.ts';
import type {
  Breaker,
  BreakerStats,
  ForceOptions,
  GoverningPolicy,
  Permit,
  Source,
  State,
  TransitionEvent,
} from './breaker.ts';
import type { KeyedCircuit, KeyedCircuits } from './keyed-circuits.ts';

/**
 * The handle of one key. It stays valid when the key's circuit leaves for want of use: the next use makes a new one.
 */
export class KeyedBreaker implements Breaker {
  readonly name: string;
  readonly key: string;
  readonly #parent: Breaker;
  readonly #circuits: KeyedCircuits<KeyedCircuit & Breaker>;

  constructor(parent: Breaker, circuits: KeyedCircuits<KeyedCircuit & Breaker>, key: string) {
    this.name = parent.name;
    this.key = key;
    this.#parent = parent;
    this.#circuits = circuits;
  }

  get #circuit() {
    return this.#circuits.use(this.key);
  }

  get state(): State {
    return this.#circuit.state;
  }

  get source(): Source {
    return this.#parent.source;
  }

  get policy(): GoverningPolicy | undefined {
    return this.#parent.policy;
  }

  stats(): BreakerStats {
    return this.#circuit.stats();
  }

  execute<T, F = never>(fn: Call<T>, options?: ExecuteOptions<F>): Promise<T | F> {
    return this.#circuit.execute(fn, options);
  }

  executeSync<T, F = never>(fn: () => T, options?: { readonly fallback?: (error: unknown) => F }): T | F {
    return this.#circuit.executeSync(fn, options);
  }

  // biome-ignore lint/suspicious/noExplicitAny: only any accepts every function.
  wrap<A extends (...args: any[]) => PromiseLike<unknown>>(fn: A): A {
    return wrapFunction(fn, (call) => this.#circuit.execute(call));
  }

  enter(): Permit | null {
    return this.#circuit.enter();
  }

  for(key: string): Breaker {
    return this.#parent.for(key);
  }

  forceOpen(options: ForceOptions): void {
    this.#circuit.forceOpen(options);
  }

  forceClosed(options: ForceOptions): void {
    this.#circuit.forceClosed(options);
  }

  reset(): void {
    this.#circuit.reset();
  }

  on(event: 'transition', listener: (event: TransitionEvent) => void): () => void {
    return this.#circuit.on(event, listener);
  }
}

/** A function that is called by way of `execute`: `this`, arguments, name and length are kept. */
// biome-ignore lint/suspicious/noExplicitAny: only any accepts every function.
export function wrapFunction<A extends (...args: any[]) => PromiseLike<unknown>>(
  fn: A,
  execute: (call: Call<unknown>) => Promise<unknown>,
): A {
  const wrapped = function (this: unknown, ...args: unknown[]): Promise<unknown> {
    return execute(() => fn.apply(this, args));
  };
  Object.defineProperty(wrapped, 'name', { value: fn.name, configurable: true });
  Object.defineProperty(wrapped, 'length', { value: fn.length, configurable: true });
  return wrapped as unknown as A;
}

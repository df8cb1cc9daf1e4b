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
  WrapOptions,
} from './breaker.ts';
import type { KeyedCircuit, KeyedCircuits } from './breakers-by-key.ts';

/** The handle of one key. It stays valid after the key's circuit was removed: the next use creates a new circuit. */
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

  execute<T, F = T>(fn: Call<T>, options?: ExecuteOptions<F>): Promise<T | F> {
    return this.#circuit.execute(fn, options);
  }

  executeSync<T, F = T>(fn: () => T, options?: { readonly fallback?: ((error: unknown) => F) | undefined }): T | F {
    return this.#circuit.executeSync(fn, options);
  }

  // biome-ignore lint/suspicious/noExplicitAny: only any accepts every function.
  wrap<A extends (...args: any[]) => PromiseLike<unknown>>(fn: A, options?: WrapOptions): A {
    return wrapFunction(this, fn, options, (call) => this.#circuit.execute(call));
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

/** Wraps a function so that it is called through `execute`. `this`, arguments, name, length and properties are kept. */
// biome-ignore lint/suspicious/noExplicitAny: only any accepts every function.
export function wrapFunction<A extends (...args: any[]) => PromiseLike<unknown>>(
  { name }: { readonly name: string },
  fn: A,
  { passContext = false }: WrapOptions = {},
  execute: (call: Call<unknown>) => Promise<unknown>,
): A {
  if (typeof fn !== 'function') throw new TypeError(`wrap of breaker "${name}" needs a function; it got ${typeof fn}`);
  const wrapped = function (this: unknown, ...args: unknown[]): Promise<unknown> {
    return execute((context) => fn.apply(this, passContext ? [...args, context] : args));
  };
  for (const key of Reflect.ownKeys(fn)) {
    if (key !== 'prototype') Object.defineProperty(wrapped, key, Object.getOwnPropertyDescriptor(fn, key)!);
  }
  return wrapped as unknown as A;
}

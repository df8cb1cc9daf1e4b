import type { Call } from '../call/context.ts';
import type { ExecuteOptions } from '../call/execute.ts';
import { checkOptions } from '../errors/options.ts';
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
import type { BreakerOfKey, BreakersByKey } from './breakers-by-key.ts';

/** The handle of one key. It stays valid after the key's breaker was removed: the next use creates a new one. */
export class KeyedBreaker implements Breaker {
  readonly name: string;
  readonly key: string;
  readonly #parent: Breaker;
  readonly #breakers: BreakersByKey<BreakerOfKey & Breaker>;

  constructor(parent: Breaker, breakers: BreakersByKey<BreakerOfKey & Breaker>, key: string) {
    this.name = parent.name;
    this.key = key;
    this.#parent = parent;
    this.#breakers = breakers;
  }

  get #breaker() {
    return this.#breakers.use(this.key);
  }

  get state(): State {
    return this.#breaker.state;
  }

  get source(): Source {
    return this.#parent.source;
  }

  get policy(): GoverningPolicy | undefined {
    return this.#parent.policy;
  }

  stats(): BreakerStats {
    return this.#breaker.stats();
  }

  execute<T, F = T>(fn: Call<T>, options?: ExecuteOptions<F>): Promise<T | F> {
    return this.#breaker.execute(fn, options);
  }

  executeSync<T, F = T>(fn: () => T, options?: { readonly fallback?: ((error: unknown) => F) | undefined }): T | F {
    return this.#breaker.executeSync(fn, options);
  }

  // biome-ignore lint/suspicious/noExplicitAny: only any accepts every function.
  wrap<A extends (...args: any[]) => PromiseLike<unknown>>(fn: A, options?: WrapOptions): A {
    return wrapFunction(this, fn, options, (call) => this.#breaker.execute(call));
  }

  enter(): Permit | null {
    return this.#breaker.enter();
  }

  for(key: string): Breaker {
    return this.#parent.for(key);
  }

  forceOpen(options: ForceOptions): void {
    this.#breaker.forceOpen(options);
  }

  forceClosed(options: ForceOptions): void {
    this.#breaker.forceClosed(options);
  }

  reset(): void {
    this.#breaker.reset();
  }

  on(event: 'transition', listener: (event: TransitionEvent) => void): () => void {
    return this.#breaker.on(event, listener);
  }
}

/** Wraps a function so that it is called through `execute`. `this`, arguments, name, length and properties are kept. */
// biome-ignore lint/suspicious/noExplicitAny: only any accepts every function.
export function wrapFunction<A extends (...args: any[]) => PromiseLike<unknown>>(
  { name }: { readonly name: string },
  fn: A,
  options: WrapOptions = {},
  execute: (call: Call<unknown>) => Promise<unknown>,
): A {
  if (typeof fn !== 'function') throw new TypeError(`wrap of breaker "${name}" needs a function; it got ${typeof fn}`);
  checkOptions(`wrap of breaker "${name}"`, options, { passContext: 'boolean' });
  const { passContext = false } = options;
  const wrapped = function (this: unknown, ...args: unknown[]): Promise<unknown> {
    return execute((context) => fn.apply(this, passContext ? [...args, context] : args));
  };
  for (const key of Reflect.ownKeys(fn)) {
    if (key !== 'prototype') Object.defineProperty(wrapped, key, Object.getOwnPropertyDescriptor(fn, key)!);
  }
  return wrapped as unknown as A;
}

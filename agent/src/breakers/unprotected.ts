import { fieldsInWords } from '@fuseboard/schema/trip-conditions';
import type { Breaker } from './breaker.ts';
import type { Registry } from './registry.ts';

const MAX_WARNED = 100;

const KEY = Symbol.for('fuseboard.opened-by-code');
const shared = globalThis as { [KEY]?: WeakSet<object> };

/** Breakers whose circuits code opens by itself, as `@fuseboard/opossum` does. They need no condition in defaults. */
shared[KEY] ??= new WeakSet();
const openedByCode = shared[KEY];

/**
 * Warns once about each breaker whose circuit never opens: without policy and defaults, or without a condition in them.
 * A process without an operator may use breakers that are governed elsewhere, so those without defaults are left out.
 */
export class UnprotectedWarnings {
  readonly #registry: Registry;
  readonly #hasOperator: boolean;
  readonly #warn: (message: string) => void;
  readonly #warned = new Set<string>();
  #created: Breaker[] | undefined;

  constructor(registry: Registry, hasOperator: boolean, warn: (message: string) => void) {
    this.#registry = registry;
    this.#hasOperator = hasOperator;
    this.#warn = warn;
  }

  /** Checks a new breaker once the code that made it has ended, with the others that it made. */
  add(breaker: Breaker): void {
    if (this.#created !== undefined) {
      this.#created.push(breaker);
      return;
    }
    const created = [breaker];
    this.#created = created;
    queueMicrotask(() => {
      this.#created = undefined;
      this.check(created);
    });
  }

  check(breakers: Iterable<Breaker>): void {
    const found = { ungoverned: [] as string[], untripped: [] as string[] };
    for (const breaker of breakers) {
      const { name, source, policy } = breaker;
      if (this.#warned.size >= MAX_WARNED) break;
      if (source === 'none' ? !this.#hasOperator : !this.#registry.neverOpens(breaker)) continue;
      if (source === 'defaults' && openedByCode.has(breaker)) continue;
      const kind = source === 'none' ? 'ungoverned' : 'untripped';
      if (this.#warned.has(`${kind} ${name}`)) continue;
      this.#warned.add(`${kind} ${name}`);
      const origin = policy === undefined ? 'its defaults' : `policy "${policy.name}"`;
      found[kind].push(source === 'none' ? `"${name}"` : `"${name}" (${origin})`);
    }
    if (found.ungoverned.length > 0) {
      this.#warn(
        `no policy governs ${found.ungoverned.join(', ')}: calls pass and are counted; apply a CircuitBreakerPolicy that lists the name in spec.breakers, or give getBreaker defaults`,
      );
    }
    if (found.untripped.length > 0) {
      this.#warn(
        `nothing can open the circuit of ${found.untripped.join(', ')}, because trip has no condition; set ${fieldsInWords()} in trip`,
      );
    }
  }
}

import type { Breaker } from './breaker.ts';
import type { Registry } from './registry.ts';

const MAX_WARNED = 100;

/**
 * Warns once about each breaker whose circuit never opens: without policy and defaults, or without a condition in them.
 * A process without an operator may use breakers that are governed elsewhere, so those without defaults are left out.
 */
export class UnprotectedWarnings {
  readonly #registry: Registry;
  readonly #hasOperator: boolean;
  readonly #warn: (message: string) => void;
  readonly #warned = new Set<string>();

  constructor(registry: Registry, hasOperator: boolean, warn: (message: string) => void) {
    this.#registry = registry;
    this.#hasOperator = hasOperator;
    this.#warn = warn;
  }

  check(breakers: Iterable<Breaker>): void {
    const found = { ungoverned: [] as string[], untripped: [] as string[] };
    for (const breaker of breakers) {
      const { name, source, policy } = breaker;
      if (this.#warned.size >= MAX_WARNED) break;
      if (source === 'none' ? !this.#hasOperator : !this.#registry.neverOpens(breaker)) continue;
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
        `nothing can open the circuit of ${found.untripped.join(', ')}, because trip has no condition; set consecutiveFailures, failureCount, failureRate or slowCallRate in trip`,
      );
    }
  }
}

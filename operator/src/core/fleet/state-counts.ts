import type { BreakerReport } from '@fuseboard/schema';

export type BreakerState = BreakerReport['state'];

/** The state of one breaker of one agent: the worst among its keys. */
export interface BreakerStatus {
  readonly uid: string;
  /** The name of the breaker, without a key. */
  readonly breaker: string;
  readonly state: BreakerState;
  readonly shadow: boolean;
  /** Whether a call enabled the policy's fallback; absent when that is not known or the policy has none. */
  readonly optedIn?: boolean | undefined;
}

/** Called breakers under a policy with a fallback. */
export interface FallbackCounts {
  /** Number of breakers with a call that enabled the fallback. */
  optedIn: number;
  /** Number of breakers without such a call. */
  unused: number;
}

export interface BreakerCounts {
  closed: number;
  open: number;
  halfOpen: number;
  shadowOpen: number;
}

/** The number of breakers of each policy in each state, updated with each change. */
export class StateCounts {
  readonly #counts = new Map<string, BreakerCounts>();
  /** Counts by policy uid and breaker name. */
  readonly #byName = new Map<string, Map<string, BreakerCounts>>();
  readonly #fallbacks = new Map<string, FallbackCounts>();
  readonly #open = new Map<string, Map<string, string>>();

  /**
   * Replaces the state of one breaker of one agent.
   *
   * @param id unique for the agent and the breaker.
   * @param label the name of the breaker and its agent in status messages.
   */
  replace(id: string, label: string, before: BreakerStatus | undefined, after: BreakerStatus | undefined): void {
    if (before) {
      this.#add(before, -1);
      const open = this.#open.get(before.uid);
      if (open?.delete(id) && open.size === 0) this.#open.delete(before.uid);
    }
    if (!after) return;
    this.#add(after, 1);
    if (after.state !== 'open' || after.shadow) return;
    if (!this.#open.has(after.uid)) this.#open.set(after.uid, new Map());
    this.#open.get(after.uid)!.set(id, label);
  }

  counts(uid: string): BreakerCounts {
    return { ...(this.#counts.get(uid) ?? NONE) };
  }

  /** The state counts of a policy for each breaker name. */
  named(uid: string): ReadonlyMap<string, BreakerCounts> {
    return this.#byName.get(uid) ?? NO_NAMES;
  }

  fallback(uid: string): FallbackCounts {
    return { ...(this.#fallbacks.get(uid) ?? NO_FALLBACK) };
  }

  /** Up to `limit` labels of open breakers, in the order in which they opened. */
  open(uid: string, limit: number): string[] {
    return [...(this.#open.get(uid)?.values() ?? [])].slice(0, limit);
  }

  #add(status: BreakerStatus, by: 1 | -1): void {
    const { uid, breaker, optedIn } = status;
    if (optedIn !== undefined) this.#addFallback(uid, optedIn ? 'optedIn' : 'unused', by);
    count(this.#counts, uid, status, by);
    const named = this.#byName.get(uid) ?? new Map<string, BreakerCounts>();
    count(named, breaker, status, by);
    if (named.size > 0) this.#byName.set(uid, named);
    else this.#byName.delete(uid);
  }

  #addFallback(uid: string, which: keyof FallbackCounts, by: 1 | -1): void {
    const counts = this.fallback(uid);
    counts[which] += by;
    if (counts.optedIn + counts.unused > 0) this.#fallbacks.set(uid, counts);
    else this.#fallbacks.delete(uid);
  }
}

function count(
  counts: Map<string, BreakerCounts>,
  key: string,
  { state, shadow }: Pick<BreakerStatus, 'state' | 'shadow'>,
  by: 1 | -1,
): void {
  const counted = counts.get(key) ?? { ...NONE };
  counted[column(state, shadow)] += by;
  if (Object.values(counted).some((number) => number > 0)) counts.set(key, counted);
  else counts.delete(key);
}
const NO_FALLBACK: FallbackCounts = { optedIn: 0, unused: 0 };

const NONE: BreakerCounts = { closed: 0, open: 0, halfOpen: 0, shadowOpen: 0 };

const NO_NAMES: ReadonlyMap<string, BreakerCounts> = new Map();

const column = (state: BreakerState, shadow: boolean): keyof BreakerCounts =>
  state === 'half-open' ? 'halfOpen' : state === 'open' && shadow ? 'shadowOpen' : state;

const SEVERITY: Record<BreakerState, number> = { closed: 0, 'half-open': 1, open: 2 };

/** The worst of several states of one breaker. */
export function worst<T extends { readonly state: BreakerState }>(states: Iterable<T>): T | undefined {
  let found: T | undefined;
  for (const one of states) if (!found || SEVERITY[one.state] > SEVERITY[found.state]) found = one;
  return found;
}

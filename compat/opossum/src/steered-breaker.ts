import {
  type Breaker,
  type Call,
  type GoverningPolicy,
  getBreaker,
  type Permit,
  type State,
  type TransitionEvent,
} from '@fuseboard/agent';
import { DEFAULTS as POLICY_DEFAULTS } from '@fuseboard/schema/defaults';
import { formatDuration, MAX_DURATION_MS, parseDuration } from '@fuseboard/schema/duration';
import { claimPlace, leavePlace, policyName } from './breaker-name.ts';

/**
 * While no policy governs, the options of opossum decide when the circuit opens. opossum has no time limit for a probe.
 */
const DEFAULTS = { recovery: { halfOpen: { probeTimeout: '24h' } } };

const KEY = Symbol.for('fuseboard.opened-by-code');
const shared = globalThis as { [KEY]?: WeakSet<object> };

/** Read by the agent, which does not warn that these breakers have no condition that opens them. */
shared[KEY] ??= new WeakSet();
const openedByCode = shared[KEY];

/** Makes a circuit half-open. */
const AT_ONCE = { for: '0ms', reason: 'the open time of the code is over' };

/** Is notified of a change of state. @param isForced whether the state was forced, with its own duration. */
type Moved = (to: State, isForced: boolean) => void;

/** A breaker of the agent under one name that policies can match. */
interface Governed {
  readonly name: string;
  readonly place: number;
  readonly breaker: Breaker;
  readonly unsubscribe: () => void;
}

/**
 * The agent's breaker behind one `CircuitBreaker`. A policy for its name governs it, or else one for its group. The
 * first `CircuitBreaker` of a name has the breaker of that name; others that live at the same time have keys of it.
 *
 * Policies come and go between two uses, so every use first moves to the breaker that is governed now. That may change
 * the state and call `moved`, so what reads the state is a method here and no getter.
 */
export class SteeredBreaker {
  readonly #named: Governed;
  readonly #grouped: Governed | undefined;
  readonly #moved: Moved;
  #current: Governed;
  /** When the circuit was last opened for `resetTimeout`, in milliseconds. Absent: not since a policy governs. */
  #openedAt: number | undefined;

  /**
   * @param name absent: none that would be the same at the next start.
   * @param moved is notified after each change of state.
   */
  constructor(name: string | undefined, group: string | undefined, moved: Moved) {
    this.#moved = moved;
    const named = policyName(name);
    this.#named = this.#join(named, (place) => (place === 1 && name !== undefined ? undefined : String(place)));
    const grouped = group === undefined ? named : policyName(group);
    if (grouped !== named) this.#grouped = this.#join(grouped, (place) => `${named.slice(0, 200)}#${place}`);
    this.#current = this.#named;
    this.#choose();
  }

  /** Whether a policy governs the breaker. */
  isGoverned(): boolean {
    return this.#choose().source === 'policy';
  }

  state(): State {
    return this.#choose().state;
  }

  /** How long until an open circuit lets a call through, in milliseconds. */
  retryAfterMs(): number {
    return this.#choose().stats().retryAfterMs;
  }

  enter(): Permit | null {
    return this.#choose().enter();
  }

  execute<T>(call: Call<T>): Promise<T> {
    return this.#choose().execute(call);
  }

  /** Opens the circuit for so many milliseconds; also one that is open, for so long from now on. */
  open(ms: number, reason: string): void {
    const breaker = this.#choose();
    this.#openedAt = performance.now();
    breaker.forceOpen({ for: durationOf(ms), reason });
  }

  /**
   * Opens the circuit on behalf of `open()`, for the open duration of the policy that governs. @param ms the duration
   * without a policy.
   */
  openOnRequest(ms: number): void {
    const { policy } = this.#choose();
    const reason = 'the code called open()';
    if (policy === undefined) this.open(ms, reason);
    else this.#choose().forceOpen({ for: openDurationOf(policy), reason });
  }

  /** Ends the time that the circuit is open, if it still is. */
  endOpen(): void {
    const breaker = this.#choose();
    // The timer of the caller and the clock of the circuit may disagree by a few milliseconds, in either direction.
    if (breaker.state === 'open') breaker.forceOpen(AT_ONCE);
  }

  close(): void {
    this.#choose().reset();
  }

  /** Closes and empties the circuit and frees its place for the next breaker of the name. */
  release(): void {
    for (const governed of [this.#named, this.#grouped]) {
      if (governed === undefined) continue;
      governed.unsubscribe();
      governed.breaker.reset();
      leavePlace(governed.name, governed.place);
    }
  }

  #join(name: string, keyOf: (place: number) => string | undefined): Governed {
    const place = claimPlace(name);
    const key = keyOf(place);
    const named = getBreaker(name, { defaults: DEFAULTS });
    openedByCode.add(named);
    const breaker = key === undefined ? named : named.for(key);
    const hear = (event: TransitionEvent): void => {
      // A breaker is also notified of its keys.
      if (this.#current === governed && (key !== undefined || event.key === undefined))
        this.#moved(event.to, event.reason === 'forced-open');
    };
    const governed: Governed = { name, place, breaker, unsubscribe: breaker.on('transition', hear) };
    return governed;
  }

  /** A policy that begins or ends to govern may change which of the two breakers is used; the state moves with it. */
  #choose(): Breaker {
    const grouped = this.#grouped;
    const isByGroup =
      grouped !== undefined && this.#named.breaker.source !== 'policy' && grouped.breaker.source === 'policy';
    const chosen = isByGroup ? grouped : this.#named;
    if (chosen !== this.#current) {
      const before = this.#current.breaker.stats();
      this.#current = chosen;
      if (before.state === 'open') {
        this.open(before.retryAfterMs, 'the circuit was open before another policy governed it');
        this.#openedAt = performance.now() - before.sinceMs;
      } else if (before.state === 'half-open') chosen.breaker.forceOpen(AT_ONCE);
      else this.close();
      this.#moved(chosen.breaker.state, true);
    }
    this.#adopt(chosen.breaker);
    return chosen.breaker;
  }

  /** Applies the open duration of a policy that begins to govern to a circuit that was opened for `resetTimeout`. */
  #adopt(breaker: Breaker): void {
    const { policy } = breaker;
    if (policy === undefined || this.#openedAt === undefined) return;
    const openMs = performance.now() - this.#openedAt;
    this.#openedAt = undefined;
    if (breaker.state !== 'open') return;
    if ((policy.spec.mode ?? 'Enforce') !== 'Enforce') {
      breaker.reset();
      return;
    }
    const leftMs = parseDuration(openDurationOf(policy))! - openMs;
    breaker.forceOpen(
      leftMs > 0 ? { for: durationOf(leftMs), reason: 'the circuit was open before a policy governed it' } : AT_ONCE,
    );
  }
}

function openDurationOf({ spec }: GoverningPolicy): string {
  return spec.recovery?.openDuration ?? POLICY_DEFAULTS.recovery.openDuration;
}

function durationOf(ms: number): string {
  return formatDuration(Math.min(Math.max(1, Math.ceil(ms)), MAX_DURATION_MS));
}

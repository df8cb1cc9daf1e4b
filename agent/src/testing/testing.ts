import type { Breaker } from '../breakers/breaker.ts';
import { GovernedBreaker } from '../breakers/governed-breaker.ts';
import { refuseUnknownSpecFields } from '../breakers/known-fields.ts';
import { governorOf, type PolicyDefaults, registry } from '../breakers/registry.ts';
import { CoarseClock } from '../clock/coarse-clock.ts';
import type { Clock } from '../core/clock.ts';
import type { Deadline, Timeouts } from '../core/layers/timeout.ts';
import { checkMethods, checkOptions, type Fields } from '../errors/options.ts';

export {
  type Answer,
  FakeControlPlane,
  type FakeControlPlaneOptions,
  type FakeStream,
  type PushedPolicy,
} from './fake-control-plane.ts';
export { ReplayBreaker, type ReplayOptions, type ReplayPermit } from './replay.ts';

/** A clock that advances only on request. Calls time out when it passes their limit. */
export class FakeClock implements Clock, Timeouts {
  #now = 0;
  #stallEndedAt = Number.NEGATIVE_INFINITY;
  readonly #deadlines = new Set<Deadline>();

  /** Milliseconds since the clock was created. */
  now(): number {
    return this.#now;
  }

  /** Advances by `ms` milliseconds of a busy or frozen process. Calls during this time are not slow. */
  stall(ms: number): void {
    this.#stallEndedAt = this.#now + ms;
    this.advance(ms);
  }

  /** When the last stall ended. */
  stallEndedAt(): number {
    return this.#stallEndedAt;
  }

  /** Advances by `ms` milliseconds. Everything that becomes due happens in order, each at its own time. */
  advance(ms: number): void {
    if (!(ms >= 0)) throw new RangeError(`a clock cannot go back; advance got ${ms}`);
    const target = this.#now + ms;
    for (let next = this.#earliest(); next !== undefined && next.dueAt <= target; next = this.#earliest()) {
      this.#deadlines.delete(next);
      this.#now = Math.max(this.#now, next.dueAt);
      next.expire();
    }
    this.#now = target;
  }

  add(deadline: Deadline, ms: number): void {
    deadline.dueAt = this.#now + ms;
    this.#deadlines.add(deadline);
  }

  hold(deadline: Deadline, ms: number): void {
    this.add(deadline, ms);
  }

  remove(deadline: Deadline): void {
    this.#deadlines.delete(deadline);
  }

  #earliest(): Deadline | undefined {
    let earliest: Deadline | undefined;
    for (const each of this.#deadlines) if (earliest === undefined || each.dueAt < earliest.dueAt) earliest = each;
    return earliest;
  }
}

export interface TestBreakerOptions {
  /**
   * Absent: the process clock. A `FakeClock` also drives time limits; with any other clock they are checked every few
   * real milliseconds.
   */
  readonly clock?: { now(): number };
  /** Random numbers, from 0 to below 1, for ramps, open times and retry delays. Absent: Math.random. */
  readonly random?: () => number;
  /** The wall clock, milliseconds since 1970, only for dates in Retry-After headers. Absent: Date.now. */
  readonly wallNow?: () => number;
  /** The name of the breaker. Absent: `test`. */
  readonly name?: string;
}

const OPTIONS: Fields = {
  clock: ['an object with a method now', (clock) => typeof clock?.now === 'function'],
  random: 'function',
  wallNow: 'function',
  name: 'string',
};

/** A breaker outside of the registry, with a policy that the test edits. */
export interface TestBreaker extends Breaker {
  /**
   * Edits the policy as an apply in the cluster would.
   *
   * @throws {ConfigError} when the spec cannot be used.
   * @throws {TypeError} when a field of it does not exist.
   */
  apply(spec: PolicyDefaults): void;
}

/**
 * Makes a breaker from the spec of a policy, for tests.
 *
 * @throws {ConfigError} when the spec cannot be used.
 * @throws {TypeError} when a field of the spec or an option does not exist, or an option has the wrong type.
 */
export function createBreaker(spec: PolicyDefaults, options: TestBreakerOptions = {}): TestBreaker {
  checkOptions('createBreaker', options, OPTIONS);
  const { clock = new CoarseClock(), random = Math.random, wallNow = Date.now, name = 'test' } = options;
  const timeouts = timeoutsOf(clock);
  refuseUnknownSpecFields(name, spec);
  return new EditableBreaker(name, governorOf(name, spec), { clock, timeouts, random, wallNow });
}

/**
 * Resets every breaker of `getBreaker` for the next test: closed, without counts, keys and forced states, and with the
 * first `defaults` and `classify` that code gave it. The next `getBreaker` may give others, until the next reset.
 * Handles stay valid and listeners stay subscribed; running calls no longer count.
 */
export function resetBreakers(): void {
  registry().startOver();
}

/**
 * Sets a test clock for the breakers of `getBreaker`; each restarts, as with `resetBreakers`.
 *
 * @param clock a `FakeClock` also drives time limits and delays; with any other, they are checked every few real
 * milliseconds.
 * @returns a function that restores the previous clock and restarts the breakers.
 */
export function useClock(clock: { now(): number }): () => void {
  checkMethods('the clock of useClock', clock, 'now');
  const before = registry().useClock({ clock, timeouts: timeoutsOf(clock) });
  return () => {
    registry().useClock(before);
  };
}

class EditableBreaker extends GovernedBreaker implements TestBreaker {
  apply(spec: PolicyDefaults): void {
    refuseUnknownSpecFields(this.name, spec);
    this.govern(governorOf(this.name, spec));
  }
}

function timeoutsOf(clock: { now(): number }): Timeouts {
  return isTimeouts(clock) ? clock : new CoarseClock(() => clock.now());
}

function isTimeouts(clock: object): clock is Timeouts {
  return 'hold' in clock && 'remove' in clock;
}

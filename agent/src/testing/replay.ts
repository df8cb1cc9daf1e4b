import { governorOf, type PolicyDefaults } from '../breakers/registry.ts';
import { BreakerCore } from '../core/breaker.ts';
import type { Permit } from '../core/permit.ts';
import type { State, TransitionEvent } from '../core/state.ts';

/** Permission for one replayed call; settle it once. */
export interface ReplayPermit {
  /** When the call began, in milliseconds of the record. */
  readonly startedAt: number;
}

export interface ReplayOptions {
  /** When the breaker is made, in milliseconds of the record. Absent: 0. */
  readonly startAt?: number;
  /** The source of chance, from 0 to below 1: ramps and jittered open times draw from it. Absent: always 0. */
  readonly random?: () => number;
  /** Is called for each transition, with the time at which it was due. Must not throw. */
  readonly onTransition?: (event: TransitionEvent) => void;
}

/**
 * A breaker for recorded calls: the same core as in a service, without promises, timers or a clock. Whoever replays
 * says when each call begins and ends; times never go back. Time limits, retries, limiters and fallbacks of the policy
 * are not applied, because they act on calls and not on records of them.
 */
export class ReplayBreaker {
  readonly #core: BreakerCore;
  #now: number;

  /** @throws {ConfigError} when the spec cannot be used. */
  constructor(spec: PolicyDefaults, { startAt = 0, random = () => 0, onTransition = () => {} }: ReplayOptions = {}) {
    this.#now = startAt;
    this.#core = new BreakerCore(governorOf('replay', spec).config, {
      clock: { now: () => this.#now },
      random,
      wallNow: () => this.#now,
      transitioned: onTransition,
    });
  }

  /**
   * A call begins.
   *
   * @param at milliseconds of the record.
   * @param used a settled permit to be given again, so that a long replay makes no garbage. Absent: a new one.
   * @returns null when the breaker rejects the call.
   */
  enter(at: number, used?: ReplayPermit): ReplayPermit | null {
    this.#now = at;
    return this.#core.enter(used as Permit | undefined);
  }

  /** A permitted call ends. */
  settle(permit: ReplayPermit, outcome: 'success' | 'failure' | 'ignored', at: number): void {
    this.#now = at;
    this.#core.settle(permit as Permit, outcome);
  }

  /** The state at a time. */
  stateAt(at: number): State {
    this.#now = at;
    return this.#core.state;
  }

  /** What the conditions look at, at a time; a fraction where calls fade. */
  windowAt(at: number): { readonly calls: number; readonly failures: number; readonly slow: number } {
    this.#now = at;
    return this.#core.window;
  }
}

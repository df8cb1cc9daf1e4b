import { refuseUnknownSpecFields } from '../breakers/known-fields.ts';
import { governorOf, type PolicyDefaults } from '../breakers/registry.ts';
import { Circuit } from '../core/circuit.ts';
import type { CircuitPermit } from '../core/circuit-permit.ts';
import type { State, TransitionEvent } from '../core/state.ts';
import { checkOptions } from '../errors/options.ts';

/** Permission for one replayed call; settle it once. */
export interface ReplayPermit {
  /** Start of the call, in milliseconds of the record. */
  readonly startedAt: number;
}

export interface ReplayOptions {
  /** Creation time of the breaker, in milliseconds of the record. Absent: 0. */
  readonly startAt?: number;
  /** Random numbers, from 0 to below 1, for ramps and open times. Absent: always 0. */
  readonly random?: () => number;
  /** Called for each transition, with its due time. Must not throw. */
  readonly onTransition?: (event: TransitionEvent) => void;
}

/**
 * A breaker for recorded calls: the same core as in a service, without timers or a clock. The caller gives the start
 * and end of each call, in order of time. Time limits, retries, limiters and fallbacks of the policy are not applied.
 */
export class ReplayBreaker {
  readonly #circuit: Circuit;
  #now: number;

  /** @throws {ConfigError} when the spec cannot be used. */
  constructor(spec: PolicyDefaults, options: ReplayOptions = {}) {
    checkOptions('ReplayBreaker', options, { startAt: 'number', random: 'function', onTransition: 'function' });
    refuseUnknownSpecFields('replay', spec);
    const { startAt = 0, random = () => 0, onTransition = () => {} } = options;
    this.#now = startAt;
    this.#circuit = new Circuit(governorOf('replay', spec).config, {
      clock: { now: () => this.#now },
      random,
      wallNow: () => this.#now,
      transitioned: onTransition,
    });
  }

  /**
   * Requests a permit for a call.
   *
   * @param at milliseconds of the record.
   * @param used a settled permit to reuse. Absent: a new one.
   * @returns null when the breaker rejects the call.
   */
  enter(at: number, used?: ReplayPermit): ReplayPermit | null {
    this.#now = at;
    return this.#circuit.enter(used as CircuitPermit | undefined);
  }

  /** Records the end of a permitted call. */
  settle(permit: ReplayPermit, outcome: 'success' | 'failure' | 'ignored', at: number): void {
    this.#now = at;
    this.#circuit.settle(permit as CircuitPermit, outcome);
  }

  /** The state at a time. */
  stateAt(at: number): State {
    this.#now = at;
    return this.#circuit.state;
  }

  /** The counts that the conditions see at a time; fractional where calls fade. */
  windowAt(at: number): { readonly calls: number; readonly failures: number; readonly slow: number } {
    this.#now = at;
    return this.#circuit.window;
  }
}

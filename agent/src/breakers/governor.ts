import type { Environment } from '../core/clock.ts';
import type { Config } from '../core/config/config.ts';
import type { TransitionEvent } from '../core/state.ts';
import type { Timeouts } from '../core/timeout.ts';
import type { Breaker, GoverningPolicy, Source } from './breaker.ts';

/**
 * What a breaker runs under.
 *
 * @internal
 */
export interface Governor {
  readonly source: Source;
  /** Present exactly when a policy governs. */
  readonly policy?: GoverningPolicy;
  /** Identifies the configuration: with the same text, nothing is reconfigured. */
  readonly text: string;
  readonly config: Config;
  /** The governor without the policy. Absent: this one is it. */
  readonly defaults?: Governor;
}

/**
 * What all breakers of a process share.
 *
 * @internal
 */
export interface Runtime extends Environment {
  readonly timeouts: Timeouts;
  /** Is called for every change of state, after the breaker's own listeners. Must not throw. */
  transitioned?(breaker: Breaker, event: TransitionEvent): void;
}

import type { Environment } from '../core/clock.ts';
import type { Config } from '../core/config/config.ts';
import type { GuardField } from '../core/config/guard.ts';
import type { Timeouts } from '../core/layers/timeout.ts';
import type { TransitionEvent } from '../core/state.ts';
import type { Breaker, GoverningPolicy, Source } from './breaker.ts';

/**
 * The configuration of a breaker and its source.
 *
 * @internal
 */
export interface Governor {
  readonly source: Source;
  /** Present exactly when a policy governs. */
  readonly policy?: GoverningPolicy;
  /** Identifies the configuration. A breaker is not reconfigured when the text is unchanged. */
  readonly text: string;
  readonly config: Config;
  /** The governor without the policy; absent when this is it. */
  readonly defaults?: Governor;
}

/**
 * The environment shared by all breakers of a process.
 *
 * @internal
 */
export interface Runtime extends Environment {
  readonly timeouts: Timeouts;
  /** The fields of the guard that change what governs a breaker. Absent: there is no guard. */
  guardedBy?(breaker: Breaker): readonly GuardField[];
  /** Called for every state change, after the breaker's own listeners. Must not throw. */
  transitioned?(breaker: Breaker, event: TransitionEvent): void;
}

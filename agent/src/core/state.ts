import type { Permit } from './permit.ts';

/** The states of a breaker, spelled so in code, wire, logs and metric labels. */
export type State = 'closed' | 'open' | 'half-open';

/** Why a state changed. */
export type Reason =
  | 'failure-rate'
  | 'failure-count'
  | 'consecutive-failures'
  | 'open-duration-over'
  | 'probe-succeeded'
  | 'probe-failed'
  | 'probe-timeout'
  | 'policy-reset'
  | 'policy-disabled';

/** A change of state. */
export interface TransitionEvent {
  readonly from: State;
  readonly to: State;
  /** When it happened, in milliseconds of the breaker's monotonic clock. An open time that ran out unnoticed carries the moment at which it ran out. */
  readonly at: number;
  readonly reason: Reason;
  /** The key whose circuit it is. Absent: the breaker's own. */
  readonly key?: string;
}

/** A state with what only it needs; `since` is when it was entered. */
export type StateRecord =
  | { readonly kind: 'closed'; readonly since: number }
  | { readonly kind: 'open'; readonly since: number }
  | {
      readonly kind: 'half-open';
      readonly since: number;
      /** Probes under way, the oldest first. */
      readonly probes: Set<Permit>;
      successes: number;
    };

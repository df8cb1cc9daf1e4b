import type { TripReason } from '@fuseboard/schema/types';
import type { CircuitPermit } from './circuit-permit.ts';
import type { LastError } from './outcomes/last-error.ts';

/** The states of a breaker, spelled so in code, wire, logs and metric labels. */
export type State = 'closed' | 'open' | 'half-open';

/** Why a state changed. */
export type Reason =
  | TripReason
  | 'open-duration-over'
  | 'probe-succeeded'
  | 'probe-failed'
  | 'probe-timeout'
  | 'ramp-over'
  | 'policy-reset'
  | 'policy-disabled'
  | 'forced-open'
  | 'forced-closed'
  | 'force-over'
  | 'manual-reset';

/** A change of state. */
export interface TransitionEvent {
  readonly from: State;
  readonly to: State;
  /**
   * When it happened, in milliseconds of the breaker's monotonic clock. For the end of an open time, the moment at
   * which it was over, even when that is noticed later.
   */
  readonly at: number;
  readonly reason: Reason;
  /**
   * The reason given for a forced state, or for a reset, after the name of the override if an override did it. Absent
   * in any other change.
   */
  readonly detail?: string;
  /** The key of the circuit. Absent: the circuit of the breaker itself. */
  readonly key?: string;
  /** The last failure, when failures opened the circuit. Absent: they did not, or the failure is not known. */
  readonly lastError?: LastError;
}

/** @internal */
export interface Closed {
  readonly kind: 'closed';
  readonly since: number;
}

/** @internal */
export interface Open {
  readonly kind: 'open';
  /** When it ends. */
  until: number;
  /** When it was entered. */
  readonly since: number;
  /** The Retry-After of the failure that opened the circuit, in ms; 0: none. */
  readonly retryAfterMs: number;
  /** The random part of this open time, from 0 to below 1; undefined until a policy asks for jitter. */
  jitter: number | undefined;
}

/**
 * Half-open with the strategy Probes.
 *
 * @internal
 */
export interface Probing {
  readonly kind: 'half-open';
  readonly since: number;
  /** Probes under way, the oldest first. */
  readonly probes: Set<CircuitPermit>;
  /** Counts of the probes that have ended; a slow failure counts as both. */
  calls: number;
  failures: number;
  slow: number;
  successes: number;
}

/**
 * Half-open with the strategy Ramp.
 *
 * @internal
 */
export interface Ramping {
  readonly kind: 'half-open';
  readonly since: number;
  readonly probes: undefined;
  /** When the first call came; undefined before it. */
  startedAt: number | undefined;
  succeeded: boolean;
}

/**
 * A state with its own data; `since` is when it was entered.
 *
 * @internal
 */
export type StateRecord = Closed | Open | Probing | Ramping;

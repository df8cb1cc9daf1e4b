import { channel } from 'node:diagnostics_channel';
import type { BreakerIdentity, ErrorCode } from './codes.ts';

/** Messages `{breaker, event}`: the breaker itself and the change of its state, after it happened. */
const TRANSITION_CHANNEL = 'fuseboard:transition';

/** A `RejectionMessage` for each call that the circuit rejected or the limiter refused. */
export const REJECTION_CHANNEL = 'fuseboard:rejection';

export interface RejectionMessage {
  /** The name of the breaker. */
  readonly breaker: string;
  /** The key of the circuit. Absent: the circuit of the breaker itself. */
  readonly key?: string | undefined;
  readonly code: ErrorCode;
  /** When another try makes sense, in milliseconds; 0 when that is not known. */
  readonly retryAfterMs: number;
}

const transitions = channel(TRANSITION_CHANNEL);
const rejections = channel(REJECTION_CHANNEL);

/** Whether the channel of transitions has subscribers. */
export function isTransitionObserved(): boolean {
  return transitions.hasSubscribers;
}

/** Costs one comparison without subscribers, like `publishNotAdmitted`. */
export function publishTransition(breaker: object, event: object): void {
  if (transitions.hasSubscribers) transitions.publish({ breaker, event });
}

export function publishNotAdmitted(
  { name: breaker, key }: BreakerIdentity,
  code: ErrorCode,
  retryAfterMs: number,
): void {
  if (!rejections.hasSubscribers) return;
  const identity = key === undefined ? { breaker } : { breaker, key };
  rejections.publish({ ...identity, code, retryAfterMs } satisfies RejectionMessage);
}

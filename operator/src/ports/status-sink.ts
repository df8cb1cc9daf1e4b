import type { Override } from '../core/policy/override.ts';
import type { Policy } from '../core/policy/policy.ts';

/** What a status or an Event is about. */
export type Subject = Policy | Override;

export type StatusOf<T extends Subject> = NonNullable<T['status']>;

/** An Event about a policy or an override. */
export interface EventRecord {
  readonly type: 'Normal' | 'Warning';
  /** CamelCase, one word for a program. */
  readonly reason: string;
  readonly message: string;
}

/**
 * Where status and Events go. Calls never throw and never wait for the network; the sink retries, limits and drops by
 * itself.
 */
export interface StatusSink {
  /**
   * The newest status wanted for a policy or an override; a later call replaces an earlier one that was not yet
   * written.
   */
  write<T extends Subject>(subject: T, status: StatusOf<T>): void;
  event(subject: Subject, event: EventRecord): void;
  /** The subject is gone: nothing needs to be remembered of what was written, and what waits is not written. */
  forget(subject: Subject): void;
  stop(): Promise<void>;
}

import type { Override } from '../core/policy/override.ts';
import type { Policy } from '../core/policy/policy.ts';

/** The object of a status or an Event. */
export type Subject = Policy | Override;

export type StatusOf<T extends Subject> = NonNullable<T['status']>;

/** An Event about a policy or an override. */
export interface EventRecord {
  readonly type: 'Normal' | 'Warning';
  /** One word in CamelCase, for programs. */
  readonly reason: string;
  readonly message: string;
}

/**
 * Writes statuses and Events. Its methods, except `stop`, never throw and never wait for the network: the sink itself
 * retries, limits and drops writes.
 */
export interface StatusSink {
  /** Writes the status of a policy or an override. A later call replaces a status that was not yet written. */
  write<T extends Subject>(subject: T, status: StatusOf<T>): void;
  event(subject: Subject, event: EventRecord): void;
  /** Frees the memory of a deleted subject, and drops its pending writes. */
  forget(subject: Subject): void;
  stop(): Promise<void>;
}

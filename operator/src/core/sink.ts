import type { PolicyStatus } from '@fuseboard/schema';
import type { Policy } from './policy.ts';

/** An Event about a policy. */
export interface PolicyEventRecord {
  readonly type: 'Normal' | 'Warning';
  /** CamelCase, one word for a program. */
  readonly reason: string;
  readonly message: string;
}

/** Where status and Events go. Calls never throw and never wait for the network; the sink retries, limits and drops by itself. */
export interface StatusSink {
  /** The newest status wanted for a policy; a later call replaces an earlier one that was not yet written. */
  write(policy: Policy, status: PolicyStatus): void;
  event(policy: Policy, event: PolicyEventRecord): void;
  stop(): Promise<void>;
}

import type { Policy } from '../core/policy/policy.ts';

/** How many revisions of a policy are kept, the newest ones. */
export const HISTORY_LIMIT = 10;

/** A spec that a policy once had. */
export interface Revision {
  /** Grows with each edit. In a cluster it is the generation of the policy. */
  readonly revision: number;
  /** When it was recorded, milliseconds since 1970. */
  readonly at: number;
  readonly spec: unknown;
}

/** Keeps what policies were. Nothing but `list` waits for a disk or the network, and nothing but it fails. */
export interface History {
  /** The policy is new or was edited, as far as the caller knows; what is recorded already is not recorded again. */
  record(policy: Policy): void;
  /** The policy is gone: nothing of it needs to be held in memory. What is stored stays where it is. */
  forget(policy: Policy): void;
  /** The newest first. Rejects when they cannot be read. */
  list(policy: Policy): Promise<Revision[]>;
  stop(): Promise<void>;
}

/** A field that differs between two specs; absent on a side that does not have it. */
export interface FieldChange {
  /** Dotted, without `spec`. */
  readonly field: string;
  readonly from?: unknown;
  readonly to?: unknown;
}

/** What turns one spec into another, field by field; a list is one value. */
export function changesBetween(before: unknown, after: unknown, path = ''): FieldChange[] {
  if (isFields(before) && isFields(after)) {
    const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    return names.flatMap((name) => changesBetween(before[name], after[name], path === '' ? name : `${path}.${name}`));
  }
  if (JSON.stringify(before) === JSON.stringify(after)) return [];
  return [{ field: path, ...(before !== undefined && { from: before }), ...(after !== undefined && { to: after }) }];
}

const isFields = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

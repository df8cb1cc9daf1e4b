import type { Policy } from '../core/policy/policy.ts';

/** Maximum number of stored revisions of a policy. The oldest ones are removed. */
export const HISTORY_LIMIT = 10;

/** An earlier or the current spec of a policy. */
export interface Revision {
  /** Grows with each edit. In a cluster it is the generation of the policy. */
  readonly revision: number;
  /** When it was recorded, milliseconds since 1970. */
  readonly at: number;
  readonly spec: unknown;
}

/** Stores the specs of policies. Only `list` waits for a disk or the network, and only it fails. */
export interface History {
  /** Records the spec of a policy that may be new or edited. A spec that is stored already is not stored again. */
  record(policy: Policy): void;
  /** Frees the memory of a deleted policy. Its stored revisions stay. */
  forget(policy: Policy): void;
  /** The stored revisions, the newest first. Rejects when they cannot be read. */
  list(policy: Policy): Promise<Revision[]>;
  stop(): Promise<void>;
}

/** A field that differs between two specs; absent on a side that does not have it. */
export interface FieldChange {
  /** The dotted path, without `spec`. */
  readonly field: string;
  /** Absent: the field was added. */
  readonly from?: unknown;
  /** Absent: the field was removed. */
  readonly to?: unknown;
}

/** The fields that differ between two specs. A list is one value. */
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

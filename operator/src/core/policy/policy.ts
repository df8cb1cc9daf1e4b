import type { PolicySpec, PolicyStatus, SpecProblem } from '@fuseboard/schema';
import type { PolicyUid } from '../uid.ts';

/** A policy as its source gave it, with what is wrong with it. */
export interface Policy {
  readonly uid: PolicyUid;
  readonly namespace: string;
  readonly name: string;
  /** 0 where the source has no generations (a folder of files). */
  readonly generation: number;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  /** Exactly as the source gave it: never completed, never reordered. Trust it only when `problems` is empty. */
  readonly spec: PolicySpec;
  /** Why the spec cannot be used; empty when it can. */
  readonly problems: readonly SpecProblem[];
  /** The status that the source held last; a folder has none. */
  readonly status?: PolicyStatus;
}

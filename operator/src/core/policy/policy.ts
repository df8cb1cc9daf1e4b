import type { PolicySpec, PolicyStatus, SpecProblem } from '@fuseboard/schema';
import type { PolicyUid } from '../uid.ts';
import type { PolicyLink } from './links.ts';

/** A policy as read from its source, with the problems of its spec. */
export interface Policy {
  readonly uid: PolicyUid;
  readonly namespace: string;
  readonly name: string;
  /** 0 for a source without generations (a folder of files). */
  readonly generation: number;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  /**
   * The spec exactly as in the source: no defaults filled in, no order changed. Trust it only when `problems` is empty.
   */
  readonly spec: PolicySpec;
  /** Why the spec cannot be used; empty when it is valid. */
  readonly problems: readonly SpecProblem[];
  /** Where to read more about its breakers; absent when it has no links. */
  readonly links?: readonly PolicyLink[];
  /** The last status in the source; a folder has none. */
  readonly status?: PolicyStatus;
}

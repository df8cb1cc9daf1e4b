import type { PolicySpec } from '@fuseboard/schema/types';
import type { Config } from '../core/config/config.ts';
import type { Override } from './overrides.ts';

/** A policy that this process can use: its spec was compiled. */
export interface UsablePolicy {
  readonly uid: string;
  /** 0 where the source has no generations. */
  readonly generation: number;
  /** The name of the resource, for messages. */
  readonly name: string;
  readonly spec: PolicySpec;
  /** The spec as JSON text; policies with the same text behave the same. */
  readonly text: string;
  readonly config: Config;
}

/** Everything that governs the breakers of this process, replaced whole at each commit. */
export interface PolicySet {
  readonly revision: string;
  /** Where the set came from. */
  readonly origin: 'stream' | 'last-good' | 'bootstrap';
  /**
   * Breaker name, prefix with a trailing `*`, or `*`, to uid; the first match governs. A uid without a usable policy
   * leaves the name ungoverned.
   */
  readonly routes: readonly (readonly [pattern: string, uid: string])[];
  readonly policies: ReadonlyMap<string, UsablePolicy>;
  /** What outranks the policies for a while. Absent: nothing. */
  readonly overrides?: readonly Override[];
}

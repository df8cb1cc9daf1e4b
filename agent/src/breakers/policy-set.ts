import type { PolicySpec } from '@fuseboard/schema/types';
import type { Config } from '../core/config/config.ts';
import type { Override } from './overrides.ts';

/** A policy with a valid spec, compiled. */
export interface UsablePolicy {
  readonly uid: string;
  /** 0 for a source without generations. */
  readonly generation: number;
  /** The name of the resource, for messages. */
  readonly name: string;
  readonly spec: PolicySpec;
  /** The spec as JSON text; policies with the same text behave the same. */
  readonly text: string;
  readonly config: Config;
}

/** The policies, routes and overrides of this process, replaced as a whole at each commit. */
export interface PolicySet {
  readonly revision: string;
  /** Where the set came from. */
  readonly origin: 'stream' | 'last-good' | 'bootstrap';
  /**
   * Routes from name, prefix with a trailing `*`, or `*`, to uid; the first match governs. A uid without a valid policy
   * leaves the name ungoverned.
   */
  readonly routes: readonly (readonly [pattern: string, uid: string])[];
  readonly policies: ReadonlyMap<string, UsablePolicy>;
  /** Overrides, which have precedence over policies. Absent: none. */
  readonly overrides?: readonly Override[];
}

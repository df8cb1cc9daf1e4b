import type { PolicySpec } from '@fuseboard/schema';

/** A value of a valid policy that is usually a mistake. */
export interface Finding {
  /** Dotted path from the root of the spec. */
  readonly field: string;
  /** The consequence of the value, and the fix. */
  readonly message: string;
}

/** Checks for one kind of mistake; returns nothing when there is none. */
export type Check = (spec: PolicySpec) => Finding | undefined;

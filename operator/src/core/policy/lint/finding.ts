import type { PolicySpec } from '@fuseboard/schema';

/** A value of a valid policy that is usually a mistake. */
export interface Finding {
  /** Dotted, from the top of the spec. */
  readonly field: string;
  /** What will happen, and what to do about it. */
  readonly message: string;
}

/** Looks for one kind of surprise; returns nothing when there is none. */
export type Check = (spec: PolicySpec) => Finding | undefined;

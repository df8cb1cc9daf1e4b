/**
 * Maximum numbers of concurrent reviews of agents' tokens. Each limit includes the reviews of the lower ones, so that
 * unknown tokens leave room for signed ones, and both for tokens that were valid before. docs/limits.md lists them.
 */
export const REVIEWS_AT_ONCE = {
  /** Tokens that were not reviewed before, with a key that the cluster does not publish. */
  unknown: 60,
  /** Tokens that were not reviewed before, which the cluster signed. */
  signed: 80,
  /** Tokens that were valid before, and reads of pods. The admin API has the same limit for its own reviews. */
  all: 100,
} as const;

import type { BreakerState } from './state-counts.ts';

/** Two reports of a transition are the same transition when their times differ by less than this. */
const SAME_TRANSITION_MS = 2_000;

/** A transition in a report. */
export interface Moment {
  readonly from: BreakerState;
  readonly to: BreakerState;
  readonly reason: string;
  readonly at: number;
}

/** The transitions of a report, to recognize them in a later one. Its size does not depend on the reasons' lengths. */
export interface TransitionDigest {
  readonly times: readonly number[];
  /** A hash of everything but the times. */
  readonly hash: number;
}

const NONE: TransitionDigest = { times: [], hash: 0 };

export function transitionDigest(moments: readonly Moment[]): TransitionDigest {
  if (moments.length === 0) return NONE;
  return { times: moments.map(({ at }) => at), hash: hashOf(moments) };
}

/** How many transitions at the start of `moments` are those of the digest: all of the digest's, or none. */
export function repeatedTransitions({ times, hash }: TransitionDigest, moments: readonly Moment[]): number {
  const first = moments.slice(0, times.length);
  const same =
    first.length === times.length &&
    first.every(({ at }, i) => Math.abs(at - times[i]!) < SAME_TRANSITION_MS) &&
    hashOf(first) === hash;
  return same ? times.length : 0;
}

/** FNV-1a. */
function hashOf(moments: readonly Moment[]): number {
  let hash = 0x811c9dc5;
  for (const { from, to, reason } of moments) {
    for (const text of [from, to, reason]) {
      for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
      hash = Math.imul(hash ^ 0xffff, 0x01000193);
    }
  }
  return hash;
}

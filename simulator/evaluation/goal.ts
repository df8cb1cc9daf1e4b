import { lossesToRecipe } from './edges.ts';
import type { EdgeScore } from './score.ts';
import { summarize } from './summary.ts';

/** One part of the goal of a suggestion, and whether these series meet it. */
export interface GoalPart {
  readonly part: string;
  /** Undefined: the series hold nothing to judge it by. */
  readonly isMet: boolean | undefined;
}

const FOUND_PERCENT = 70;

/** Judges suggestions on series that can be learned from. */
export function goal(
  suggested: readonly EdgeScore[],
  fixed: readonly EdgeScore[],
  recipe: readonly EdgeScore[],
): GoalPart[] {
  const [mine, theirs] = [summarize('suggest', suggested), summarize('fixed', fixed)];
  const { learnable, learnableFound } = mine;
  const losses = lossesToRecipe(suggested, recipe);
  return [
    {
      part: `at least ${FOUND_PERCENT} % of incidents with enough before them are found: ${learnableFound} of ${learnable}`,
      isMet: learnable === 0 ? undefined : learnableFound * 100 >= FOUND_PERCENT * learnable,
    },
    {
      part: `no more false openings than the fixed policy: ${mine.falseOpenings}, the fixed policy ${theirs.falseOpenings}`,
      isMet: mine.falseOpenings <= theirs.falseOpenings,
    },
    { part: `no edge is worse than its recipe: ${losses.length} losses`, isMet: losses.length === 0 },
  ];
}

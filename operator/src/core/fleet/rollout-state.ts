/** The progress of the rollout of a policy. */
export const ROLLOUT_STATES = [
  'Invalid',
  'Conflicted',
  'Rejected',
  'PartiallyProgrammed',
  'Pending',
  'Unknown',
  'AgentsGone',
  'NoAgents',
  'Programmed',
] as const;

export type RolloutState = (typeof ROLLOUT_STATES)[number];

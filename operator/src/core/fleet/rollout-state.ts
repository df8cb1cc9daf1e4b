/** How far a policy has come on its way to the agents. */
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

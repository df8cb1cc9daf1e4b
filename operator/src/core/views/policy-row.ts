import type { PolicyStatus } from '@fuseboard/schema';
import { ROLLOUT_STATES, type RolloutState } from '../fleet/rollout-state.ts';
import { conditionOf } from '../policy/condition.ts';
import type { PolicyLink } from '../policy/links.ts';
import type { Policy } from '../policy/policy.ts';
import { type Thresholds, thresholdsOf } from '../policy/thresholds.ts';

/** One policy in a list. */
export interface PolicyRow {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly generation: number;
  readonly mode: 'Enforce' | 'Shadow' | 'Disabled';
  readonly breakers: readonly string[];
  /** Absent when the spec is invalid, or when nothing opens its circuits automatically. */
  readonly thresholds?: Thresholds;
  /** `openDuration` of the spec; absent when the spec does not set it. */
  readonly openDuration?: string;
  /** Where to read more; absent when the policy has no links. */
  readonly links?: readonly PolicyLink[];
  readonly rollout: RolloutState;
  /** The reason for the state, as a sentence. */
  readonly message: string;
  readonly agents?: PolicyStatus['agents'];
  /** The number of its breakers in each state, over all replicas. */
  readonly states?: PolicyStatus['breakers'];
}

export function policyRow(policy: Policy, status: PolicyStatus | undefined): PolicyRow {
  const { uid, namespace, name, generation, spec, problems, links } = policy;
  const usable = problems.length === 0;
  const thresholds = usable ? thresholdsOf(spec) : undefined;
  const openDuration = usable ? spec.recovery?.openDuration : undefined;
  return {
    uid,
    namespace,
    name,
    generation,
    mode: (usable && spec.mode) || 'Enforce',
    breakers: usable ? spec.breakers : [],
    ...(thresholds && { thresholds }),
    ...(openDuration !== undefined && { openDuration }),
    ...(links && { links }),
    ...rolloutOf(policy, status),
    ...(status?.agents && { agents: status.agents }),
    ...(status?.breakers && { states: status.breakers }),
  };
}

function rolloutOf({ problems }: Policy, status: PolicyStatus | undefined): { rollout: RolloutState; message: string } {
  if (problems.length > 0) return { rollout: 'Invalid', message: `${problems[0]!.field}: ${problems[0]!.message}` };
  const accepted = conditionOf(status, 'Accepted');
  if (accepted?.reason === 'Conflicted') return { rollout: 'Conflicted', message: accepted.message };
  const programmed = conditionOf(status, 'Programmed');
  const rollout = ROLLOUT_STATES.find((state) => state === programmed?.reason) ?? 'Unknown';
  return { rollout, message: programmed?.message ?? 'no status was worked out yet' };
}

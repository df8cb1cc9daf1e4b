import type { CONDITION_REASONS, ConditionType, PolicyStatus, SpecProblem } from '@fuseboard/schema';
import { count } from '../count.ts';
import type { PolicyCounts } from '../fleet/fleet.ts';
import { instant } from '../instant.ts';
import { type Condition, conditionOf } from '../policy/condition.ts';
import type { Precedence } from '../policy/precedence.ts';
import { statusOutage } from './outage-status.ts';
import { type Decision, policyReadiness } from './ready-conditions.ts';

/** How long the rollout of a new generation may take before agents without it make the condition False. */
export const PENDING_MS = 10_000;

/** How long an operator waits after its start for the agents of its predecessor to reconnect. */
export const GRACE_PERIOD_MS = 30_000;

export interface StatusInput {
  readonly generation: number;
  readonly problems: readonly SpecProblem[];
  readonly precedence: Precedence | undefined;
  readonly counts: PolicyCounts;
  /** Number of replicas that have not published counts for this spec yet. */
  readonly unheard: number;
  /** The previous status, of any generation. */
  readonly previous: PolicyStatus | undefined;
  /** Whether `previous` describes the current spec. */
  readonly sameSpec: boolean;
  /** Milliseconds since this process first saw the spec. */
  readonly ageMs: number;
  /** Milliseconds since this operator started to serve agents. */
  readonly uptimeMs: number;
  /** Number of agents that had the policy before this operator started. */
  readonly expected: number;
  /** The current time, in milliseconds since 1970. */
  readonly now: number;
  /** Why the first breaker opened; absent when not known here. */
  readonly cause?: string | undefined;
}

type Verdict<T extends ConditionType> = readonly [
  status: Condition['status'],
  reason: (typeof CONDITION_REASONS)[T][number],
  message: string,
];

/** The status of a policy, computed from the current data and the previous status. */
export function statusOf(input: StatusInput): PolicyStatus {
  const { counts, generation } = input;
  const accepted = acceptance(input);
  const programmed = programming(input, accepted);
  const ready = policyReadiness(decisionOf(accepted), decisionOf(programmed));
  const { matched, applied, rejected, stale, guarded } = counts.agents;
  // The agents that report an open breaker may still be on their way to this operator.
  const settling = input.unheard > 0 || inGracePeriod(input);
  const outage = statusOutage({ ...input, settling, previous: input.previous?.outage });
  return {
    observedGeneration: generation,
    conditions: [
      condition(input, 'Accepted', decisionOf(accepted)),
      condition(input, 'Programmed', decisionOf(programmed)),
      condition(input, 'Healthy', decisionOf(health(input))),
      condition(input, 'Ready', ready.Ready),
      ...(ready.Reconciling ? [condition(input, 'Reconciling', ready.Reconciling)] : []),
      ...(ready.Stalled ? [condition(input, 'Stalled', ready.Stalled)] : []),
    ],
    agents: { matched, applied, rejected, stale, ...(guarded && { guarded }), summary: `${applied}/${matched}` },
    breakers: { ...counts.breakers },
    ...(outage && { outage }),
    ...(counts.rejections.length > 0 && { rejections: [...counts.rejections] }),
  };
}

/**
 * Whether agents of the previous operator process may still be reconnecting. During this time, the previous status is
 * more accurate than the current counts.
 */
export function inGracePeriod({ counts: { agents }, expected, uptimeMs }: StatusInput): boolean {
  return uptimeMs < GRACE_PERIOD_MS && agents.applied + agents.rejected < expected;
}

const decisionOf = ([status, reason, message]: Verdict<ConditionType>): Decision => ({ status, reason, message });

function condition(
  { previous, generation, now }: StatusInput,
  type: ConditionType,
  { status, reason, message }: Decision,
): Condition {
  const before = conditionOf(previous, type);
  const lastTransitionTime = before?.status === status ? before.lastTransitionTime : instant(now);
  return { type, status, observedGeneration: generation, lastTransitionTime, reason, message };
}

function acceptance({ problems, precedence, counts }: StatusInput): Verdict<'Accepted'> {
  if (problems.length > 0) {
    const named = problems.slice(0, 3).map(({ field, message }) => `${field}: ${message}`);
    const more = problems.length > 3 ? `; and ${problems.length - 3} more` : '';
    return ['False', 'Invalid', `${named.join('; ')}${more}`];
  }
  if (precedence?.conflict) {
    return ['False', 'Conflicted', `policy "${precedence.conflict.name}" governs every breaker named here; ${remedy}`];
  }
  const shadows = precedence?.shadows ?? [];
  const hint = idleFallback(counts);
  if (shadows.length === 0) return ['True', 'Valid', `the spec is valid${hint}`];
  const named = shadows
    .slice(0, 3)
    .map(
      ({ pattern, by, everywhere }) =>
        `"${pattern}" is governed by "${by.name}"${everywhere ? '' : ' where its selector matches'}`,
    );
  const more = shadows.length > 3 ? ` and ${shadows.length - 3} more` : '';
  return ['True', 'Valid', `the spec is valid, but ${named.join(', ')}${more}${hint}`];
}

/** A fallback that no call opted in to is valid, but probably a mistake. */
function idleFallback({ fallback: { optedIn, unused } }: PolicyCounts): string {
  if (optedIn > 0 || unused === 0) return '';
  const where = `on ${count(unused, 'breaker')}`;
  return `; its fallback is not used: no call ${where} opts in to it (policyFallback, in Python policy_fallback)`;
}

const remedy = 'remove one of the two, or give this one a selector of its own';

function programming(input: StatusInput, [, refused]: Verdict<'Accepted'>): Verdict<'Programmed'> {
  if (refused === 'Invalid') return ['False', 'Rejected', 'the spec is invalid; agents keep the last valid version'];
  const { counts, unheard, previous, sameSpec, ageMs, expected } = input;
  const before = sameSpec ? conditionOf(previous, 'Programmed') : undefined;
  const { matched, applied, rejected, stale } = counts.agents;
  const live = matched - stale;
  // Once true, it stays true for the generation (decision record 0004), also when an agent that comes later rejects the
  // spec: `agents` and `rejections` have the numbers of now, and the message those of when it became true.
  if (before?.status === 'True' && (live > 0 || refused !== 'Conflicted')) {
    if (live > 0 || unheard > 0 || inGracePeriod(input)) return ['True', 'Programmed', before.message];
    return ['Unknown', 'AgentsGone', `no live agent since ${instant(input.now)}; before, ${before.message}`];
  }
  if (refused === 'Conflicted') return ['False', 'NoAgents', 'no agent receives the policy while it is in conflict'];
  // A returning agent counts only after its report confirms the policy.
  if (before?.reason === 'AgentsGone' && applied + rejected === 0) return ['Unknown', 'AgentsGone', before.message];

  const silent = stale > 0 ? `; ${count(stale, 'silent agent')} ignored` : '';
  if (rejected > 0) {
    return ['False', 'Rejected', `${rejected} of ${count(live, 'agent')} cannot use the spec; see rejections${silent}`];
  }
  if (inGracePeriod(input)) {
    return [
      'Unknown',
      'Pending',
      `waiting for ${count(expected, 'agent')} that had the policy before; ${applied} applied the spec`,
    ];
  }
  if (unheard === 0) {
    if (live === 0) return ['False', 'NoAgents', `no live agent is selected by the policy${silent}`];
    if (applied >= live) return ['True', 'Programmed', `${count(live, 'agent')} applied the spec${silent}`];
  }
  const others = unheard > 0 ? `; ${count(unheard, 'replica')} of the operator did not report yet` : '';
  const progress = `${applied} of ${count(live, 'agent')} applied the spec${silent}${others}`;
  if (ageMs < PENDING_MS && before?.reason !== 'PartiallyProgrammed') return ['Unknown', 'Pending', progress];
  return ['False', 'PartiallyProgrammed', progress];
}

function health({ counts }: StatusInput): Verdict<'Healthy'> {
  const { closed, open, halfOpen, shadowOpen } = counts.breakers;
  if (open > 0) {
    const more = open > counts.open.length ? ` and ${open - counts.open.length} more` : '';
    return ['False', 'BreakerOpen', `open: ${counts.open.join(', ')}${more}`];
  }
  const reported = closed + halfOpen + shadowOpen;
  if (reported === 0) return ['Unknown', 'NoReports', 'no agent has reported a breaker of this policy'];
  const probing = halfOpen > 0 ? `, ${halfOpen} half-open` : '';
  return ['True', 'NoneOpen', `${count(reported, 'breaker')}, none open${probing}`];
}

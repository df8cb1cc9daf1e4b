import type { OVERRIDE_CONDITION_REASONS, OverrideStatus } from '@fuseboard/schema';
import { count } from '../count.ts';
import type { PolicyCounts } from '../fleet/fleet.ts';
import { instant } from '../instant.ts';
import type { Condition } from '../policy/condition.ts';
import type { Override } from '../policy/override.ts';
import { PENDING_MS } from './policy-status.ts';
import { type Decision, overrideReadiness } from './ready-conditions.ts';

export interface OverrideStatusInput {
  readonly override: Override;
  readonly counts: Pick<PolicyCounts, 'agents'>;
  /** Number of replicas that have not published counts for the override yet. */
  readonly unheard: number;
  readonly previous: OverrideStatus | undefined;
  /** Milliseconds since this process first saw the override. */
  readonly ageMs: number;
  /** The current time, in milliseconds since 1970. */
  readonly now: number;
}

type Verdict = readonly [
  status: 'True' | 'False' | 'Unknown',
  reason: (typeof OVERRIDE_CONDITION_REASONS)['Applied'][number],
  message: string,
];

/** The status of an override, computed from the current data and the previous status. */
export function overrideStatusOf(input: OverrideStatusInput): OverrideStatus {
  const { override, counts, previous, now } = input;
  const expiresAt = instant(override.expiresAt);
  if (override.problems.length > 0) {
    const message = override.problems.map(({ field, message }) => `${field}: ${message}`).join('; ');
    return { phase: 'Invalid', conditions: conditions(input, ['False', 'Invalid', message]) };
  }
  if (override.expiresAt <= now) {
    const agents = previous?.agents;
    const atTheEnd = agents === undefined ? '' : `; ${agents.summary} agents applied it`;
    const verdict: Verdict = ['False', 'Ended', `ended at ${expiresAt}${atTheEnd}`];
    return { phase: 'Ended', expiresAt, ...(agents && { agents }), conditions: conditions(input, verdict) };
  }
  const { matched, applied, stale } = counts.agents;
  return {
    phase: 'Active',
    expiresAt,
    agents: { matched, applied, stale, summary: `${applied}/${matched}` },
    conditions: conditions(input, applying(input)),
  };
}

function applying({ counts, unheard, ageMs }: OverrideStatusInput): Verdict {
  const { matched, applied, stale, guarded = 0 } = counts.agents;
  const live = matched - stale;
  const limited = guarded > 0 ? `; the code of ${count(guarded, 'agent')} limits it` : '';
  const silent = `${limited}${stale > 0 ? `; ${count(stale, 'silent agent')} ignored` : ''}`;
  if (unheard === 0) {
    if (live > 0 && applied >= live)
      return ['True', 'Applied', `${count(live, 'agent applies', 'agents apply')} it${silent}`];
    if (live === 0 && ageMs >= PENDING_MS) return ['False', 'NoAgents', `it selects no live agent${silent}`];
  }
  const others = unheard > 0 ? `; ${count(unheard, 'replica')} of the operator did not report yet` : '';
  const progress = `${applied} of ${count(live, 'agent')} apply it${silent}${others}`;
  return ageMs < PENDING_MS ? ['Unknown', 'Pending', progress] : ['False', 'PartiallyApplied', progress];
}

function conditions(input: OverrideStatusInput, [status, reason, message]: Verdict): Condition[] {
  const applied = { status, reason, message };
  const all = { Applied: applied, ...overrideReadiness(applied) };
  return Object.entries(all).map(([type, decision]) => condition(input, type, decision));
}

function condition({ previous, override, now }: OverrideStatusInput, type: string, decision: Decision): Condition {
  const before = previous?.conditions?.find((one) => one.type === type);
  const lastTransitionTime = before?.status === decision.status ? before.lastTransitionTime : instant(now);
  const { status, reason, message } = decision;
  return { type, status, observedGeneration: override.generation, lastTransitionTime, reason, message };
}

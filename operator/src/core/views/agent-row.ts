import type { Totals } from '@fuseboard/schema';
import type { PolicyEntry } from '../delivery/snapshot.ts';
import type { PolicySnapshot } from '../delivery/snapshot-cache.ts';
import type { Agent } from '../fleet/agent-record.ts';
import type { LastError } from '../fleet/fleet-breakers.ts';
import type { AgentRejection } from '../fleet/rollout.ts';
import type { BreakerState } from '../fleet/state-counts.ts';
import { type Candidate, explain } from '../policy/explain.ts';
import type { Routing } from '../policy/routing.ts';
import { type AgentState, agentState } from './overview.ts';

/** The version of a policy that an agent has. */
type Having = 'current' | 'older' | 'none' | 'rejected' | 'held';

/** An agent that a policy selects, and its progress with the policy. */
export interface PolicyAgent {
  readonly boot: string;
  readonly instance: string;
  readonly service: string;
  readonly state: AgentState;
  readonly silentMs: number;
  readonly has: Having;
  /** The generation that the agent runs; absent when not known. */
  readonly generation?: number;
  readonly rejection?: Pick<AgentRejection, 'field' | 'message'>;
  /** The limits of its code that change the policy, such as `maxOpenDuration 1m`. Absent: none. */
  readonly guarded?: readonly string[];
  /** The breakers of the agent that the policy governs. */
  readonly breakers: readonly AgentBreakerRow[];
}

export interface AgentBreakerRow {
  readonly name: string;
  readonly state: BreakerState;
  readonly shadow: boolean;
  readonly sinceMs: number;
  readonly lastError?: LastError | undefined;
  readonly totals: Totals;
}

/** The agents that a policy selects. Agents without the current version come first, then those with open circuits. */
export function policyAgents(agents: Iterable<Agent>, { entry, policy }: PolicySnapshot, now: number): PolicyAgent[] {
  const found: PolicyAgent[] = [];
  for (const agent of agents) {
    const target = agent.target?.entries.get(policy.uid);
    if (!target) continue;
    const { boot, instance, service } = agent.identity;
    const rejection = agent.rejections.get(policy.uid);
    const rejected = rejection?.digest === entry.digest;
    const runs = agent.applied?.entries.get(policy.uid);
    const guarded = rejected ? undefined : agent.guarded.get(policy.uid);
    const silentMs = Math.round(now - agent.heardAt);
    const breakers = breakerRows(agent, now).filter(({ uid }) => uid === policy.uid);
    found.push({
      boot,
      instance,
      service,
      state: agentState(agent, now),
      silentMs,
      has: rejected ? 'rejected' : having(entry, runs),
      ...(runs && !rejected && { generation: runs.generation }),
      ...(guarded && { guarded }),
      ...(rejected && { rejection: { field: rejection.field, message: rejection.message } }),
      breakers: breakers.map(({ uid: _, ...breaker }) => breaker),
    });
  }
  return found.sort((a, b) => severity(b) - severity(a) || (a.instance < b.instance ? -1 : 1));
}

function having(entry: PolicyEntry, runs: PolicyEntry | undefined): Having {
  if (entry.hold) return 'held';
  return runs === undefined ? 'none' : runs.digest === entry.digest ? 'current' : 'older';
}

function severity({ has, state, breakers }: PolicyAgent): number {
  const open = breakers.some((one) => one.state === 'open') ? 2 : 0;
  const halfOpen = breakers.some((one) => one.state === 'half-open') ? 1 : 0;
  return (
    (has === 'rejected' ? 8 : 0) +
    (has === 'current' || has === 'held' ? 0 : 4) +
    open +
    halfOpen +
    (state === 'stale' ? 1 : 0)
  );
}

/** Maximum number of breakers of an agent with an explanation; the others are only listed. */
const MAX_EXPLAINED = 100;

/**
 * One agent with its applied policies, its expected policies, and an explanation of the governing policy of each
 * breaker.
 */
export function agentDetail(agent: Agent, policies: readonly Routing[], now: number) {
  const { identity, target, applied, rejections } = agent;
  const name = (uid: string) => target?.entries.get(uid)?.name ?? uid;
  return {
    ...identity,
    state: agentState(agent, now),
    silentMs: Math.round(now - agent.heardAt),
    revision: { wanted: target?.revision, applied: applied?.revision },
    ...(agent.guarded.size > 0 && { guarded: guardedRows(agent) }),
    rejections: [...rejections].map(([uid, { field, message }]) => ({ policy: name(uid), field, message })),
    breakers: breakerRows(agent, now).map((breaker, i) => {
      const explained: { winner?: string; candidates: readonly Candidate[] } =
        i < MAX_EXPLAINED ? explain(policies, identity.labels, breaker.name) : { candidates: [] };
      return {
        ...breaker,
        ...(explained.winner !== undefined && { policy: explained.winner }),
        why: explained.candidates,
      };
    }),
  };
}

/** What an agent does not run as sent because its code limits it, by policy and override. */
export function guardedRows({ target, guarded }: Agent) {
  return [...guarded].map(([uid, by]) => {
    const policy = target?.entries.get(uid);
    const name = policy?.name ?? target?.overrides.get(uid)?.name ?? uid;
    return { kind: policy === undefined ? ('override' as const) : ('policy' as const), name, by: [...by] };
  });
}

/** The breakers of an agent, the worst state first. */
export function breakerRows(agent: Agent, now: number): (AgentBreakerRow & { uid: string })[] {
  const rows = agent.breakers.map(({ since, ...breaker }) => ({ ...breaker, sinceMs: Math.round(now - since) }));
  const order = { open: 0, 'half-open': 1, closed: 2 };
  return rows.sort((a, b) => order[a.state] - order[b.state] || (a.name < b.name ? -1 : 1));
}

import type { Agent } from '../fleet/agent-record.ts';
import { GONE_AFTER_MS, STALE_AFTER_MS } from '../fleet/fleet.ts';
import type { FleetBreaker } from '../fleet/fleet-breakers.ts';
import type { RolloutState } from '../fleet/rollout-state.ts';
import type { BreakerCounts } from '../fleet/state-counts.ts';
import type { Outage } from '../outages/outage.ts';
import { type OutageRow, outageRow } from '../outages/outage-row.ts';
import type { PolicyRow } from './policy-row.ts';

/** A summary of the fleet. */
export interface Overview {
  /** Number of breakers in each state; a breaker counts once for each agent. */
  readonly breakers: BreakerCounts;
  /** Number of rows: one for each policy and breaker. */
  readonly rows: number;
  readonly policies: { readonly total: number } & Partial<Record<RolloutState, number>>;
  readonly agents: AgentsAtAGlance;
  readonly outages: OutagesAtAGlance;
}

interface OutagesAtAGlance {
  /** Number of outages that last, or ended less than a minute ago. */
  readonly lasting: number;
  /** Number of outages that ended within the last 24 hours. */
  readonly over: number;
  /** The outage that ended last. */
  readonly last?: OutageRow;
}

export interface AgentsAtAGlance {
  /** Agents with a recent report and a stream. */
  connected: number;
  /** Agents with a recent report but no stream: they are reconnecting, or will become stale. */
  connecting: number;
  stale: number;
  gone: number;
  /** Agents with a recent report that rejected a policy. */
  rejecting: number;
}

export type AgentState = 'live' | 'stale' | 'gone';

export function agentState({ heardAt }: Pick<Agent, 'heardAt'>, now: number): AgentState {
  const silent = now - heardAt;
  return silent >= GONE_AFTER_MS ? 'gone' : silent >= STALE_AFTER_MS ? 'stale' : 'live';
}

export function overviewOf(
  fleetBreakers: Iterable<FleetBreaker>,
  policies: Iterable<PolicyRow>,
  agents: Iterable<Agent>,
  outages: Iterable<Outage>,
  now: number,
  date: (at: number) => number,
): Overview {
  const breakers: BreakerCounts = { closed: 0, open: 0, halfOpen: 0, shadowOpen: 0 };
  let rows = 0;
  for (const { states } of fleetBreakers) {
    rows += 1;
    for (const name of ['closed', 'open', 'halfOpen', 'shadowOpen'] as const) breakers[name] += states[name];
  }
  const byRollout: { total: number } & Partial<Record<RolloutState, number>> = { total: 0 };
  for (const { rollout } of policies) {
    byRollout.total += 1;
    byRollout[rollout] = (byRollout[rollout] ?? 0) + 1;
  }
  const found: AgentsAtAGlance = { connected: 0, connecting: 0, stale: 0, gone: 0, rejecting: 0 };
  for (const agent of agents) {
    const state = agentState(agent, now);
    found[state !== 'live' ? state : agent.streams > 0 ? 'connected' : 'connecting'] += 1;
    if (agent.rejections.size > 0 && state === 'live') found.rejecting += 1;
  }
  return { breakers, rows, policies: byRollout, agents: found, outages: outagesAtAGlance(outages, now, date) };
}

function outagesAtAGlance(outages: Iterable<Outage>, now: number, date: (at: number) => number): OutagesAtAGlance {
  let lasting = 0;
  let over = 0;
  let last: Outage | undefined;
  for (const outage of outages) {
    if (!outage.over) {
      lasting += 1;
      continue;
    }
    over += 1;
    if (last === undefined || outage.closedAt! > last.closedAt!) last = outage;
  }
  return { lasting, over, ...(last !== undefined && { last: outageRow(last, now, date) }) };
}

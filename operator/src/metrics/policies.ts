import type { Controller } from '../control/controller.ts';
import { conditionOf } from '../core/policy/condition.ts';
import type { MetricReader } from './reading.ts';

/** Policies, their rollout, and the states of the breakers that they govern. */
export function policyMetrics(
  { gauge }: MetricReader,
  { snapshots, fleet, policyStatus: reconciler }: Controller,
): void {
  const each = () =>
    snapshots.namespaces().flatMap((namespace) => snapshots.policies(namespace).map(({ policy }) => policy));

  gauge('policies', 'Policies, by the reason of their condition Accepted.', ['namespace', 'accepted'], (add) => {
    for (const policy of each()) {
      const accepted = conditionOf(reconciler.status(policy), 'Accepted')?.reason ?? 'Unknown';
      add({ namespace: policy.namespace, accepted }, 1);
    }
  });
  gauge(
    'policy_agents',
    'Agents of a policy, by state: matched, applied, rejected or stale.',
    ['namespace', 'policy', 'state'],
    (add) => {
      for (const { namespace, name: policy, uid } of each()) {
        const { matched = 0, applied = 0, rejected = 0, stale = 0 } = reconciler.counts(uid)?.agents ?? {};
        for (const [state, value] of Object.entries({ matched, applied, rejected, stale })) {
          add({ namespace, policy, state }, value);
        }
      }
    },
  );
  gauge('policy_agents_gone', '1 for each policy that had agents and has none.', ['namespace', 'policy'], (add) => {
    for (const policy of each()) {
      const programmed = conditionOf(reconciler.status(policy), 'Programmed');
      if (programmed?.reason === 'AgentsGone') add({ namespace: policy.namespace, policy: policy.name }, 1);
    }
  });
  const labels: ('namespace' | 'policy' | 'breaker' | 'state')[] = ['namespace', 'policy', 'breaker', 'state'];
  gauge(
    'breakers',
    'Breakers of this name on all agents of this replica, by state; each breaker is counted in one state.',
    labels,
    (add) => {
      for (const { namespace, name: policy, uid } of each()) {
        for (const [name, { closed, open, halfOpen, shadowOpen }] of fleet.breakers(uid)) {
          const breaker = fleet.counters.name(namespace, name);
          const states = { closed, open, 'half-open': halfOpen, 'shadow-open': shadowOpen };
          for (const [state, value] of Object.entries(states)) add({ namespace, policy, breaker, state }, value);
        }
      }
    },
  );
}

import { compareText } from './compare-text.ts';
import { flatten } from './precedence.ts';
import { type Routing, sortedRoutes, takes } from './routing.ts';
import { type Labels, matches } from './selector.ts';

/** A process that a policy change affects. */
export interface Affected {
  readonly instance: string;
  readonly service: string;
  readonly labels: Labels;
  /** The names of the breakers that the process uses. */
  readonly breakers: readonly string[];
}

/** The change of the governing policy of one breaker name on some agents. */
export interface Impact {
  readonly breaker: string;
  /** The policy that governs the breaker now; absent when none does. */
  readonly from?: string;
  readonly to?: string;
  readonly agents: readonly Affected[];
}

/**
 * Finds the breakers and agents that would be governed by another policy, or by a new version of the same policy.
 *
 * @param changed names of the policies whose spec changes.
 */
export function impactsOf(
  before: readonly Routing[],
  after: readonly Routing[],
  changed: ReadonlySet<string>,
  agents: readonly Affected[],
): Impact[] {
  const found = new Map<string, { breaker: string; from?: string; to?: string; agents: Affected[] }>();
  for (const agent of agents) {
    const [old, next] = [governors(before, agent.labels), governors(after, agent.labels)];
    for (const breaker of agent.breakers) {
      const [from, to] = [old(breaker), next(breaker)];
      if (from === to && (to === undefined || !changed.has(to))) continue;
      const key = JSON.stringify([breaker, from, to]);
      const effect = found.get(key) ?? {
        breaker,
        ...(from !== undefined && { from }),
        ...(to !== undefined && { to }),
        agents: [],
      };
      effect.agents.push(agent);
      found.set(key, effect);
    }
  }
  return [...found.values()].sort((a, b) => compareText(a.breaker, b.breaker));
}

function governors(policies: readonly Routing[], labels: Labels): (breaker: string) => string | undefined {
  const names = new Map(policies.map(({ uid, name }) => [uid, name]));
  const routes = flatten(sortedRoutes(policies.filter((policy) => takes(policy, labels))));
  return (breaker) => {
    const route = routes.find(([pattern]) => matches(pattern, breaker));
    return route && names.get(route[1]);
  };
}

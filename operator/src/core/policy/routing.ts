import { PolicySpecFields, violations } from '@fuseboard/schema';
import { compareRoutes } from '@fuseboard/schema/precedence';
import type { Policy } from './policy.ts';
import { type Labels, narrows, requirementsOf, type Selector, selects } from './selector.ts';

/** The fields of a policy that decide which breakers it governs, validated and ready for comparison. */
export interface Routing {
  readonly uid: string;
  readonly name: string;
  readonly createdAt: number;
  readonly breakers: readonly string[];
  readonly selector: Selector | undefined;
  /** Whether the selector has requirements. Such a policy has precedence over one that selects every agent. */
  readonly narrow: boolean;
  readonly requirements: readonly string[];
}

/** One name or prefix in a policy's `breakers`. */
export interface Route {
  readonly pattern: string;
  readonly policy: Routing;
}

/**
 * Parses `breakers` and `selector` of a policy. A policy with errors elsewhere in its spec is still routed, so that
 * agents know which names keep their last valid version.
 *
 * @returns `undefined` when one of the two fields is invalid.
 */
export function routingOf({
  uid,
  name,
  createdAt,
  spec,
  problems,
}: Pick<Policy, 'uid' | 'name' | 'createdAt' | 'spec' | 'problems'>): Routing | undefined {
  const usable = problems.length === 0 ? spec : usableParts(spec);
  if (usable === undefined) return undefined;
  const { breakers, selector } = usable;
  const requirements = requirementsOf(selector);
  return { uid, name, createdAt, breakers, selector, narrow: narrows(selector), requirements };
}

function usableParts(spec: unknown): Pick<Policy['spec'], 'breakers' | 'selector'> | undefined {
  if (typeof spec !== 'object' || spec === null) return undefined;
  const { breakers, selector } = spec as Policy['spec'];
  const parsed = PolicySpecFields.pick({ breakers: true, selector: true }).safeParse({ breakers, selector });
  if (!parsed.success || violations({ breakers, selector }).length > 0) return undefined;
  return { breakers, selector };
}

/** Whether two versions of a policy have the same routes. */
export function sameRouting(a: Routing | undefined, b: Routing): boolean {
  return a !== undefined && JSON.stringify(a) === JSON.stringify(b);
}

/** Every route of the policies, in the order in which routes are tried. */
export function sortedRoutes(policies: Iterable<Routing>): Route[] {
  const routes: Route[] = [];
  for (const policy of policies) for (const pattern of policy.breakers) routes.push({ pattern, policy });
  return routes.sort(compareRoutes);
}

export const takes = (policy: Routing, labels: Labels) => selects(policy.selector, labels);

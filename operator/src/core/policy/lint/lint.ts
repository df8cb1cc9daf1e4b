import type { PolicySpec } from '@fuseboard/schema';
import { precedenceOf } from '../precedence.ts';
import { type Routing, sortedRoutes } from '../routing.ts';
import type { Finding } from './finding.ts';
import { LOAD_CHECKS } from './load.ts';
import { RECOVERY_CHECKS } from './recovery.ts';
import { TRIP_CHECKS } from './trip.ts';

export type { Finding } from './finding.ts';

const CHECKS = [...TRIP_CHECKS, ...RECOVERY_CHECKS, ...LOAD_CHECKS];

/** Values of a valid spec that are usually a mistake, in the order of the reference pages. */
export function lint(spec: PolicySpec): Finding[] {
  return CHECKS.flatMap((check) => check(spec) ?? []);
}

/** Names that a policy never governs because of the other policies of its namespace, by uid of the policy. */
export function lintTogether(policies: readonly Routing[]): Map<string, Finding[]> {
  const found = new Map<string, Finding[]>();
  for (const [uid, { conflict, shadows }] of precedenceOf(sortedRoutes(policies))) {
    if (conflict) {
      const message = `policy "${conflict.name}" takes all of them on every agent that this one selects, so this one never governs; name other breakers or narrow its selector`;
      found.set(uid, [{ field: 'breakers', message }]);
      continue;
    }
    const lost = shadows.filter(({ everywhere }) => everywhere);
    const message = ({ pattern, by }: (typeof lost)[number]) =>
      `policy "${by.name}" takes "${pattern}" from this one on every agent; leave it out of one of the two`;
    found.set(
      uid,
      lost.map((shadow) => ({ field: 'breakers', message: message(shadow) })),
    );
  }
  return found;
}

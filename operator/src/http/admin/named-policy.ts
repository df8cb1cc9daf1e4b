import type { Request } from 'express';
import type { PolicySnapshot, SnapshotCache } from '../../core/delivery/snapshot-cache.ts';
import { Problem } from '../../ports/problem.ts';

/**
 * The policy named in the path of a request.
 *
 * @throws {Problem} when the policy does not exist.
 */
export function namedPolicy(snapshots: SnapshotCache, request: Request): PolicySnapshot {
  const { namespace, name } = request.params as { namespace: string; name: string };
  const known = snapshots.policies(namespace).find(({ policy }) => policy.name === name);
  if (!known) throw new Problem(404, `there is no policy "${name}" in namespace "${namespace}"`);
  return known;
}

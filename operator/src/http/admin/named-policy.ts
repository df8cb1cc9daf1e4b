import type { Request } from 'express';
import type { PolicySnapshot, SnapshotCache } from '../../core/delivery/snapshot-cache.ts';
import { Problem } from '../../ports/problem.ts';

/**
 * The policy that the path of a request names.
 *
 * @throws {Problem} when there is none.
 */
export function namedPolicy(snapshots: SnapshotCache, request: Request): PolicySnapshot {
  const { namespace, name } = request.params as { namespace: string; name: string };
  const known = snapshots.policies(namespace).find(({ policy }) => policy.name === name);
  if (!known) throw new Problem(404, `there is no policy "${name}" in namespace "${namespace}"`);
  return known;
}

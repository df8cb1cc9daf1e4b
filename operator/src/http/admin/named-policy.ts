import type { Request } from 'express';
import type { Boards, Known } from '../../core/delivery/snapshots.ts';
import { Refusal } from '../../ports/problem.ts';

/**
 * The policy that the path of a request names.
 *
 * @throws {Refusal} when there is none.
 */
export function namedPolicy(boards: Boards, request: Request): Known {
  const { namespace, name } = request.params as { namespace: string; name: string };
  const known = boards.policies(namespace).find(({ policy }) => policy.name === name);
  if (!known) throw new Refusal(404, `there is no policy "${name}" in namespace "${namespace}"`);
  return known;
}

import { incomplete, type Unanswered } from '../client/replicas.ts';
import type { StoredPolicy, Target } from '../client/target.ts';
import { CliError, EXIT_CODES } from '../exit-codes.ts';
import { hint } from './suggestions.ts';

/** The searched namespace in words; an absent scope means all namespaces. */
export const within = (scope: string | undefined) =>
  scope === undefined ? 'in any namespace' : `in namespace "${scope}"`;

/**
 * The error for an unknown name, with similar names. When a replica did not answer, the error only says that the other
 * replicas do not know the name.
 */
export function notFound(
  what: string,
  name: string,
  scope: string | undefined,
  names: Iterable<string>,
  unanswered: readonly Unanswered[] = [],
): CliError {
  const one = unanswered[0];
  if (one === undefined) {
    return new CliError(EXIT_CODES.problems, `there is no ${what} "${name}" ${within(scope)}${hint(name, names)}`);
  }
  return new CliError(
    EXIT_CODES.unreachable,
    `no replica that answered knows the ${what} "${name}" ${within(scope)}; ${incomplete(one)}`,
  );
}

/** @throws {CliError} when the policy does not exist. */
export async function policyNamed(target: Target, namespace: string, name: string): Promise<StoredPolicy> {
  const policy = await target.policy(namespace, name);
  if (policy) return policy;
  const names = (await target.policies(namespace)).map((one) => one.name);
  throw notFound('policy', name, namespace, names);
}

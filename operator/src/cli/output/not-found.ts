import type { StoredPolicy, Target } from '../client/target.ts';
import { CliError, EXIT_CODES } from '../exit-codes.ts';
import { hint } from './suggestions.ts';

/** Where something was looked for; absent scope: in all namespaces. */
export const within = (scope: string | undefined) =>
  scope === undefined ? 'in any namespace' : `in namespace "${scope}"`;

/** That there is nothing of this name, and which of the names may have been meant. */
export const notFound = (what: string, name: string, scope: string | undefined, names: Iterable<string>) =>
  new CliError(EXIT_CODES.problems, `there is no ${what} "${name}" ${within(scope)}${hint(name, names)}`);

/** @throws {CliError} when there is no policy of this name. */
export async function policyNamed(target: Target, namespace: string, name: string): Promise<StoredPolicy> {
  const policy = await target.policy(namespace, name);
  if (policy) return policy;
  const names = (await target.policies(namespace)).map((one) => one.name);
  throw notFound('policy', name, namespace, names);
}

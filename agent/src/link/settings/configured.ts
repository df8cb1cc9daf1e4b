import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { EnvironmentVariables, StartOptions } from './start-options.ts';

/**
 * Where a pod finds what the chart mounts.
 *
 * @internal
 */
export interface Mounts {
  /** Holds `token`, `ca.crt` and `url`. */
  readonly operator: string;
  /** Holds `namespace`. */
  readonly account: string;
  readonly cache: string;
}

/** @internal */
export const POD_MOUNTS: Mounts = {
  operator: '/var/run/secrets/fuseboard.dev',
  account: '/var/run/secrets/kubernetes.io/serviceaccount',
  cache: '/var/cache/fuseboard.dev',
};

/** Whether the environment switches links and recordings off. */
export function isDisabled(env: EnvironmentVariables): boolean {
  return /^(1|true|yes|on)$/i.test(env.FUSEBOARD_DISABLED ?? '');
}

/**
 * Whether there is something that a link would do: an operator or a file of policies is named, or labels, which may be
 * written wrong. Without it the link is not even loaded.
 */
export function wantsLink(
  { url, policies }: StartOptions,
  env: EnvironmentVariables,
  mounts: Mounts = POD_MOUNTS,
): boolean {
  const named = [url, policies, env.FUSEBOARD_URL, env.FUSEBOARD_POLICIES, env.FUSEBOARD_LABELS];
  return named.some(Boolean) || existsSync(join(mounts.operator, 'url'));
}

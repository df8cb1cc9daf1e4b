import { newestFirst } from '../../core/policy/override.ts';
import { matches } from '../../core/policy/selector.ts';
import type { StoredOverride, Target } from '../client/target.ts';
import { CliError } from '../exit-codes.ts';

/**
 * The overrides that force breakers open or closed at a time, the newest first; undefined when they cannot be read, for
 * instance without permission.
 */
export async function holdsOf(
  target: Target,
  namespace: string | undefined,
  at: number,
): Promise<StoredOverride[] | undefined> {
  try {
    return (await target.overrides(namespace)).filter((one) => holds(one, at)).sort(newestFirst);
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    return undefined;
  }
}

const holds = ({ expiresAt, spec, status }: StoredOverride, at: number) =>
  expiresAt > at &&
  status.phase !== 'Ended' &&
  status.phase !== 'Invalid' &&
  (spec?.action === 'ForceOpen' || spec?.action === 'ForceClosed');

/** Whether an override names a breaker. Its selector is not compared: it may be for some agents only. */
export const isFor = (
  { namespace, spec }: StoredOverride,
  row: { readonly namespace: string; readonly breaker: string },
): boolean => namespace === row.namespace && spec.breakers.some((pattern) => matches(pattern, row.breaker));

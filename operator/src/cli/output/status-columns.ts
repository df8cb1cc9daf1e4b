import type { PolicyStatus } from '@fuseboard/schema';
import { conditionOf } from '../../core/policy/condition.ts';
import type { Colour } from './output.ts';

type Type = 'Accepted' | 'Programmed' | 'Healthy';

export const statusOf = (status: PolicyStatus, type: Type) => conditionOf(status, type)?.status ?? 'Unknown';

export const colourOf = (status: PolicyStatus, type: Type): Colour | undefined =>
  statusOf(status, type) === 'False' ? 'red' : statusOf(status, type) === 'Unknown' ? 'yellow' : undefined;

/** A problem of a policy as one sentence. */
export interface PolicyProblem {
  readonly reason: string;
  readonly message: string;
}

/**
 * The problems of a policy, the worst first. A policy that is not accepted is not programmed either: that is one
 * problem.
 */
export function problemsOf(status: PolicyStatus): PolicyProblem[] {
  const found: PolicyProblem[] = [];
  for (const type of ['Accepted', 'Programmed', 'Healthy'] as const) {
    const condition = conditionOf(status, type);
    if (condition === undefined || (type === 'Programmed' && found.length > 0)) continue;
    const { reason, message } = condition;
    if (reason !== 'AgentsGone' && (condition.status !== 'False' || reason === 'NoAgents')) continue;
    const kept = type === 'Accepted' && reason === 'Invalid' ? '; agents keep the last valid version' : '';
    found.push({ reason, message: `${message}${kept}` });
  }
  return found;
}

/** The worst problem of a policy; undefined when it has none. */
export const problemOf = (status: PolicyStatus): PolicyProblem | undefined => problemsOf(status)[0];

import type { PolicyStatus } from '@fuseboard/schema';
import { conditionOf } from '../../core/policy/condition.ts';
import type { Colour } from './output.ts';

type Type = 'Accepted' | 'Programmed' | 'Healthy';

export const statusOf = (status: PolicyStatus, type: Type) => conditionOf(status, type)?.status ?? 'Unknown';

export const colourOf = (status: PolicyStatus, type: Type): Colour | undefined =>
  statusOf(status, type) === 'False' ? 'red' : statusOf(status, type) === 'Unknown' ? 'yellow' : undefined;

/** The worst problem of a policy as one sentence; undefined when it has none. */
export function problemOf(status: PolicyStatus): { readonly reason: string; readonly message: string } | undefined {
  for (const type of ['Accepted', 'Programmed', 'Healthy'] as const) {
    const condition = conditionOf(status, type);
    if (condition?.reason === 'AgentsGone') return condition;
    if (condition?.status === 'False' && condition.reason !== 'NoAgents') return condition;
  }
  return undefined;
}

import type { ConditionType, PolicyStatus } from '@fuseboard/schema';

export type Condition = NonNullable<PolicyStatus['conditions']>[number];

/** The condition of this type; absent when the status has none. */
export function conditionOf(status: PolicyStatus | undefined, type: ConditionType): Condition | undefined {
  return status?.conditions?.find((one) => one.type === type);
}

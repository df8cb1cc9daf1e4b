import type { ConditionType, PolicyStatus } from '@fuseboard/schema';

export type Condition = NonNullable<PolicyStatus['conditions']>[number];

/** The condition of a type; absent while none was written. */
export function conditionOf(status: PolicyStatus | undefined, type: ConditionType): Condition | undefined {
  return status?.conditions?.find((one) => one.type === type);
}

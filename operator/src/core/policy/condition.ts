import type { CONDITION_REASONS, OVERRIDE_CONDITION_REASONS, OverrideStatus, PolicyStatus } from '@fuseboard/schema';

export type Condition = NonNullable<PolicyStatus['conditions']>[number];

/** The condition of this type; absent when the status has none. */
export function conditionOf(
  status: PolicyStatus | undefined,
  type: keyof typeof CONDITION_REASONS,
): Condition | undefined;
export function conditionOf(
  status: OverrideStatus | undefined,
  type: keyof typeof OVERRIDE_CONDITION_REASONS,
): Condition | undefined;
export function conditionOf(status: PolicyStatus | OverrideStatus | undefined, type: string): Condition | undefined {
  return status?.conditions?.find((one) => one.type === type);
}

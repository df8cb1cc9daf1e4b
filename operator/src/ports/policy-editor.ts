import type { Policy } from '../core/policy/policy.ts';

/** What a spec is replaced for: an earlier one is restored, or thresholds that a replay showed are applied. */
export type EditPurpose = 'rollback' | 'thresholds';

/** Replaces the spec of a policy, for a person. */
export interface PolicyEditor {
  /** Why this policy cannot be given another spec here, whoever asks, and what to do. Absent: it can. */
  readonly unable?: (policy: Policy, purpose: EditPurpose) => string;
  /**
   * Thresholds are applied to the generation that the caller knows and to no other; a rollback applies to any.
   *
   * @param authorization the header that the person showed; the change is made with what it allows.
   * @throws {Problem}
   */
  replaceSpec(policy: Policy, spec: unknown, purpose: EditPurpose, authorization: string | undefined): Promise<void>;
}

/**
 * The uid of a policy, and the uid of an override. Any string is assignable to either type, but the compiler refuses a
 * uid of the other kind.
 */
export type PolicyUid = string & { readonly uidOf?: 'policy' };
export type OverrideUid = string & { readonly uidOf?: 'override' };

/** Policies and overrides of one namespace whose status may have changed. */
export interface Touched {
  readonly policies: ReadonlySet<PolicyUid>;
  readonly overrides: ReadonlySet<OverrideUid>;
}

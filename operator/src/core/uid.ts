/**
 * The uid of a policy, and that of an override. Any string is taken for one; the compiler refuses one of the other
 * kind.
 */
export type PolicyUid = string & { readonly uidOf?: 'policy' };
export type OverrideUid = string & { readonly uidOf?: 'override' };

/** Policies and overrides whose status may be another one now, all of one namespace. */
export interface Touched {
  readonly policies: ReadonlySet<PolicyUid>;
  readonly overrides: ReadonlySet<OverrideUid>;
}

import type { PolicySpec } from './types.ts';

export type Selector = NonNullable<PolicySpec['selector']>;
export type Labels = Readonly<Record<string, string>>;

/** A name or prefix in a policy's `breakers`, with what of the policy decides which of several governs a name. */
export interface Candidate {
  readonly pattern: string;
  readonly policy: {
    readonly uid: string;
    readonly name: string;
    /** Milliseconds since 1970; 0 when it is not known. */
    readonly createdAt: number;
    /** Whether the selector has requirements; see `narrows`. */
    readonly narrow: boolean;
  };
}

/**
 * The order in which routes are tried: a policy with a selector before one without, an exact name before a prefix, a
 * longer prefix before a shorter one, then the older policy, then the name of the policy.
 */
export function compareRoutes(a: Candidate, b: Candidate): number {
  return (
    Number(b.policy.narrow) - Number(a.policy.narrow) ||
    Number(isPrefix(a.pattern)) - Number(isPrefix(b.pattern)) ||
    (isPrefix(a.pattern) ? b.pattern.length - a.pattern.length : 0) ||
    a.policy.createdAt - b.policy.createdAt ||
    compareText(a.policy.name, b.policy.name) ||
    compareText(a.policy.uid, b.policy.uid) ||
    compareText(a.pattern, b.pattern)
  );
}

export const isPrefix = (pattern: string) => pattern.endsWith('*');

/** Compares two strings by code unit, independent of the locale. */
const compareText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

/**
 * Whether a selector has requirements. An absent and an empty selector both select every agent, with the same
 * precedence.
 */
export const narrows = (selector: Selector | undefined) =>
  Object.keys(selector?.matchLabels ?? {}).length + (selector?.matchExpressions ?? []).length > 0;

/**
 * Whether a selector selects an agent with these labels, by the rules of a Kubernetes LabelSelector: every requirement
 * must hold, and `NotIn` holds for an agent without the label.
 */
export function selects(selector: Selector | undefined, labels: Labels): boolean {
  const has = (key: string) => Object.hasOwn(labels, key);
  return (
    Object.entries(selector?.matchLabels ?? {}).every(([key, value]) => has(key) && labels[key] === value) &&
    (selector?.matchExpressions ?? []).every(({ key, operator, values = [] }) => {
      if (operator === 'Exists') return has(key);
      if (operator === 'DoesNotExist') return !has(key);
      return (has(key) && values.includes(labels[key]!)) === (operator === 'In');
    })
  );
}

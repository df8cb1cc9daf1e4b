import { CONDITION_REASONS, OVERRIDE_CONDITION_REASONS } from '@fuseboard/schema';

interface Condition {
  readonly type: string;
}

interface WithConditions {
  readonly conditions?: readonly Condition[];
}

/** The types of conditions that this operator writes. */
export const OWN_CONDITIONS: ReadonlySet<string> = new Set([
  ...Object.keys(CONDITION_REASONS),
  ...Object.keys(OVERRIDE_CONDITION_REASONS),
]);

/**
 * The status that replaces a stored one. Conditions of other controllers stay unchanged and in place; our conditions
 * replace those of the same type, and new ones follow.
 */
export function keepForeignConditions<S extends WithConditions>(desired: S, stored: WithConditions | undefined): S {
  const found = stored?.conditions ?? [];
  if (found.every(({ type }) => OWN_CONDITIONS.has(type))) return desired;
  const wanted = new Map((desired.conditions ?? []).map((condition) => [condition.type, condition]));
  const kept = found.flatMap((condition) => {
    if (!OWN_CONDITIONS.has(condition.type)) return [condition];
    const ours = wanted.get(condition.type);
    wanted.delete(condition.type);
    return ours === undefined ? [] : [ours];
  });
  return { ...desired, conditions: [...kept, ...wanted.values()] };
}

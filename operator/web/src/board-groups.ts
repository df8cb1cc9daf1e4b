import type { BreakerRow } from '../../src/core/views/breaker-row.ts';
import type { Grouping } from './address.ts';

/** Breakers that stand together on the board. */
interface Group {
  /** Empty: the board is not grouped. */
  readonly name: string;
  readonly ids: string[];
}

/**
 * Groups breakers by namespace, or by the dependency that they protect, which is the name of the breaker. The group
 * with the worst breaker comes first; within a group the order stays.
 */
export function groupsOf(
  ids: readonly string[],
  by: Grouping | undefined,
  rowOf: (id: string) => Pick<BreakerRow, 'namespace' | 'breaker'>,
): Group[] {
  if (by === undefined) return ids.length === 0 ? [] : [{ name: '', ids: [...ids] }];
  const groups = new Map<string, Group>();
  for (const id of ids) {
    const { namespace, breaker } = rowOf(id);
    const name = by === 'namespace' ? namespace : breaker;
    const group = groups.get(name);
    if (group) group.ids.push(id);
    else groups.set(name, { name, ids: [id] });
  }
  return [...groups.values()];
}

import { describe, expect, it } from '@jest/globals';
import { addPending as add, type PendingChange, splitApplied } from './pending-changes.ts';

const pending = (...changes: [revision: string, seenAt: number][]): readonly PendingChange[] =>
  changes.reduce<readonly PendingChange[]>((all, [revision, seenAt]) => add(all, { revision, seenAt }), []);

describe('pending changes', () => {
  it('are over when their revision is applied, with the time that each took', () => {
    const { tookMs, left } = splitApplied(pending(['b', 100], ['c', 300], ['d', 500]), 'c', 450);
    expect(tookMs).toEqual([350, 150]);
    expect(left).toEqual([{ revision: 'd', seenAt: 500 }]);
  });

  it('stay when an agent applied something else', () => {
    const changes = pending(['b', 100]);
    expect(splitApplied(changes, 'a', 450)).toEqual({ tookMs: [], left: changes });
  });

  it('stay when an agent reports about the time before the change, in which it ran the same', () => {
    const changes = pending(['b', 100], ['a', 200]);
    expect(splitApplied(changes, 'a', 50)).toEqual({ tookMs: [], left: changes });
    expect(splitApplied(changes, 'a', 260).tookMs).toEqual([160, 60]);
  });

  it('are at most eight, of which the last has the newest revision and its own oldest time', () => {
    const changes = pending(...Array.from({ length: 20 }, (_, i): [string, number] => [`r${i}`, i]));
    expect(changes).toHaveLength(8);
    expect(changes.at(-1)).toEqual({ revision: 'r19', seenAt: 7 });
    expect(splitApplied(changes, 'r19', 100).tookMs).toHaveLength(8);
  });
});

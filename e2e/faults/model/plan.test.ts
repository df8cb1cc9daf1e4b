import { describe, expect, it } from '@jest/globals';
import { type Edit, FAULTS, plan } from './plan.ts';

const edits = (seed: number, steps: number): Edit[] => {
  const { begin, steps: rest } = plan(seed, steps);
  return [...begin, ...rest.flatMap(({ act }) => ('edit' in act ? [act] : []))];
};

describe('a plan', () => {
  it('is the same for the same seed, and another for another', () => {
    expect(plan(7, 40)).toEqual(plan(7, 40));
    expect(plan(7, 40)).not.toEqual(plan(8, 40));
  });

  it('edits and deletes only what exists, and makes only what does not', () => {
    for (let seed = 0; seed < 50; seed += 1) {
      const exists = new Set<string>();
      for (const edit of edits(seed, 60)) {
        const key = `${edit.side}/${edit.breaker}`;
        if (edit.edit !== 'put') expect(exists).toContain(key);
        else if (edit.malformed) expect(exists).toContain(key);
        if (edit.edit === 'delete') exists.delete(key);
        else exists.add(key);
      }
    }
  });

  it('comes to every kind of fault, each within its bounds', () => {
    const met = new Set<string>();
    for (let seed = 0; seed < 40; seed += 1) {
      for (const { act } of plan(seed, 40).steps) {
        if (!('fault' in act)) continue;
        met.add(act.fault);
        const [least, most] = FAULTS[act.fault] ?? [0, 0];
        expect(act.amount).toBeGreaterThanOrEqual(least);
        expect(act.amount).toBeLessThanOrEqual(most);
      }
    }
    expect([...met].sort()).toEqual(Object.keys(FAULTS).sort());
  });

  it('makes each edit decide otherwise than the one before', () => {
    for (const [i, edit] of edits(3, 80).entries()) {
      if (edit.edit === 'delete' || edit.edit === 'burst') continue;
      const before = edits(3, 80)
        .slice(0, i)
        .findLast(({ side, breaker }) => side === edit.side && breaker === edit.breaker);
      if (before?.edit === 'put' || before?.edit === 'recreate') expect(edit.failures).not.toBe(before.failures);
    }
  });
});

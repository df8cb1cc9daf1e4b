import { describe, expect, it } from '@jest/globals';
import { openByQuorum, readEntry, writeEntry } from './quorum.ts';

const members = (open: number, closed: number) => [
  ...Array.from({ length: open }, () => ({ open: ['a'], closed: [] })),
  ...Array.from({ length: closed }, () => ({ open: [], closed: ['a'] })),
];

describe('a quorum', () => {
  it.each([
    { open: 1, closed: 0, agreed: false, why: 'one member alone, however large its share' },
    { open: 1, closed: 9, agreed: false, why: 'one bad member' },
    { open: 2, closed: 0, agreed: true, why: 'two of two' },
    { open: 2, closed: 2, agreed: true, why: 'exactly the share' },
    { open: 2, closed: 3, agreed: false, why: 'less than the share' },
    { open: 0, closed: 5, agreed: false, why: 'nobody' },
  ])('of $open open and $closed closed: $agreed ($why)', ({ open, closed, agreed }) => {
    const quorum = openByQuorum(members(open, closed), { minimumMembers: 2, sharePercent: 50 });
    expect(quorum.has('a')).toBe(agreed);
  });

  it('counts a member once for each breaker, however often it says so', () => {
    const loud = { open: ['a', 'a', 'a'], closed: ['a', 'b', 'b'] };
    expect(openByQuorum([loud], { minimumMembers: 2, sharePercent: 1 }).size).toBe(0);
    expect(openByQuorum([loud, ...members(1, 2)], { minimumMembers: 2, sharePercent: 50 })).toEqual(new Set(['a']));
  });

  it('asks only those that have the breaker', () => {
    const others = Array.from({ length: 10 }, () => ({ open: [], closed: ['b'] }));
    expect(openByQuorum([...members(2, 1), ...others], { minimumMembers: 2, sharePercent: 60 })).toEqual(
      new Set(['a']),
    );
  });
});

describe('an entry', () => {
  it('is read as it was written', () => {
    expect(readEntry(writeEntry({ open: ['a'], closed: ['b', 'c'] }))).toEqual({ open: ['a'], closed: ['b', 'c'] });
  });

  it('has bounded names, the open ones first', () => {
    const many = Array.from({ length: 5_000 }, (_, i) => `breaker-${i}`.padEnd(128, 'x'));
    const verdicts = readEntry(writeEntry({ open: many.slice(0, 1_500), closed: many }))!;
    expect([verdicts.open.length, verdicts.closed.length]).toEqual([1_500, 500]);
  });

  it.each([
    '',
    'null',
    '7',
    '{"version":2,"open":[],"closed":[]}',
    '{"version":1,"open":"a","closed":[]}',
    '{"version":1,"open":[1],"closed":[]}',
    '{"version":1,"open":[]}',
    `{"version":1,"open":[${'"a",'.repeat(2_000)}"a"],"closed":[]}`,
    `{"version":1,"open":["${'a'.repeat(300_000)}"],"closed":[]}`,
  ])("that cannot be one is nobody's opinion: %#", (text) => {
    expect(readEntry(text)).toBeUndefined();
  });
});

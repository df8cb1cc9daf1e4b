import { expect, it } from '@jest/globals';
import { type Journal, judge } from './journal.ts';

const EDITS = [
  { edit: 2, at: 1_000 },
  { edit: 3, at: 2_000 },
];
/** Loses its stream between the edits, and comes back. */
const MOVED: Journal = {
  streams: [{ from: 0, to: 1_500 }, { from: 4_000 }],
  edits: [
    [1_100, 2],
    [4_000, 3],
  ],
};
const STAYED: Journal = {
  streams: [{ from: 0 }],
  edits: [
    [1_200, 2],
    [2_200, 3],
  ],
};

it('finds nothing where every agent with a stream got every edit', () => {
  expect(judge([MOVED, STAYED], EDITS)).toEqual({
    violations: [],
    pushed: { count: 2, p50: 200, p99: 200, max: 200 },
    away: { count: 1, p50: 2_500, p99: 2_500, max: 2_500 },
  });
});

it('takes a later edit for an earlier one that was skipped', () => {
  const skipped: Journal = { streams: [{ from: 0 }], edits: [[2_100, 3]] };
  expect(judge([skipped], EDITS).violations).toEqual([]);
});

it.each<[string, Journal, string]>([
  [
    'an edit that came late',
    {
      streams: [{ from: 0 }],
      edits: [
        [1_100, 2],
        [12_001, 3],
      ],
    },
    'edit 3: 1 agents with a stream did not run it within 10000 ms',
  ],
  [
    'an edit that never came',
    { streams: [{ from: 0 }], edits: [[1_100, 2]] },
    'edit 3: 1 agents with a stream did not run it within 10000 ms',
  ],
  [
    'an older edit after a newer one',
    {
      streams: [{ from: 0 }],
      edits: [
        [1_100, 2],
        [2_100, 3],
        [2_200, 2],
      ],
    },
    '1 agents ran an older edit after a newer one',
  ],
])('finds %s', (_what, journal, violation) => {
  expect(judge([journal, STAYED], EDITS).violations).toEqual([violation]);
});

it('finds a time in which nobody was pushed anything', () => {
  const gone: Journal = { streams: [{ from: 0, to: 1_500 }], edits: [[1_100, 2]] };
  expect(judge([gone], EDITS).violations).toEqual(['edit 3: no agent ran it within 10000 ms']);
});

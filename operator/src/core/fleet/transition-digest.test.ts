import { expect, it } from '@jest/globals';
import { type Moment, repeatedTransitions, transitionDigest } from './transition-digest.ts';

const moment = (at: number, more: Partial<Moment> = {}): Moment => ({
  from: 'closed',
  to: 'open',
  reason: 'failure-rate',
  at,
  ...more,
});

it('recognizes the transitions of the report before, at about their times, with more after them', () => {
  const digest = transitionDigest([moment(1_000), moment(9_000, { from: 'open', to: 'half-open' })]);
  const again = [moment(2_500), moment(8_100, { from: 'open', to: 'half-open' })];
  expect(repeatedTransitions(digest, again)).toBe(2);
  expect(repeatedTransitions(digest, [...again, moment(20_000)])).toBe(2);
});

it.each([
  ['fewer', [moment(1_000)]],
  ['another time', [moment(1_000), moment(4_000)]],
  ['another reason', [moment(1_000), moment(2_000, { reason: 'slow-rate' })]],
  ['texts that are divided otherwise', [moment(1_000), moment(2_000, { from: 'open', to: 'closed' })]],
])('recognizes nothing in %s', (_, moments) => {
  expect(repeatedTransitions(transitionDigest([moment(1_000), moment(2_000)]), moments)).toBe(0);
});

it('takes as much room for long reasons as for short ones', () => {
  const long = transitionDigest([moment(1, { reason: 'x'.repeat(64) })]);
  expect(JSON.stringify(long).length).toBeLessThan(40);
  expect(repeatedTransitions(transitionDigest([]), [moment(1)])).toBe(0);
});

import { expect, it } from '@jest/globals';
import { isBehind, parseSince } from './resource-versions.ts';

it.each([
  ['', {}],
  ['policies=12', { policies: '12' }],
  ['policies=12,overrides=7', { policies: '12', overrides: '7' }],
  ['overrides=7', { overrides: '7' }],
  ['overrides=7,others=8', { overrides: '7' }],
])('reads %j', (text, expected) => {
  expect(parseSince(text)).toEqual(expected);
});

it.each(['policies', 'policies=', 'policies=-1', 'policies=1;x', 'policies=123456789012345678901'])(
  'refuses %j',
  (text) => {
    expect(() => parseSince(text)).toThrow('since: ');
  },
);

it.each([
  ['9', '10', true],
  ['10', '9', false],
  ['10', '10', false],
  ['18446744073709551614', '18446744073709551615', true],
  [undefined, '10', false],
  ['10', undefined, false],
])('compares as integers: %s behind %s is %s', (replica, agent, expected) => {
  expect(isBehind(replica === undefined ? undefined : { policies: replica }, agent ? { policies: agent } : {})).toBe(
    expected,
  );
});

it('compares the versions of overrides as those of policies, where both sides have one', () => {
  const ours = { policies: '10', overrides: '10' };
  expect(isBehind(ours, { policies: '9', overrides: '11' })).toBe(true);
  expect(isBehind(ours, { overrides: '10' })).toBe(false);
  expect(isBehind({ policies: '10' }, { overrides: '11' })).toBe(false);
});

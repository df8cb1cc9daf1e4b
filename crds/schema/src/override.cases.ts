import type { RuleCase } from './rules.cases.ts';

const valid = { breakers: ['payments'], action: 'ForceOpen', reason: 'the partner asked', duration: '10m' };
const without = (...fields: (keyof typeof valid)[]) =>
  Object.fromEntries(Object.entries(valid).filter(([field]) => !fields.includes(field as keyof typeof valid)));
const requirement = { key: 'app', operator: 'In' };

/** Specs of overrides, judged by the API server and by `overrideProblems`; `broken` names the fields without `spec`. */
export const OVERRIDE_CASES: readonly RuleCase[] = [
  { name: 'all that is needed', spec: valid, broken: [] },
  { name: 'no reason', spec: without('reason'), broken: ['reason'] },
  { name: 'a reason of blanks', spec: { ...valid, reason: ' \t' }, broken: ['reason'] },
  { name: 'a reason that is too long', spec: { ...valid, reason: 'x'.repeat(257) }, broken: ['reason'] },
  { name: 'no end', spec: without('duration'), broken: ['expiresAt'] },
  { name: 'neither reason nor end', spec: without('reason', 'duration'), broken: ['reason', 'expiresAt'] },
  { name: 'two ends', spec: { ...valid, expiresAt: '2999-01-01T00:00:00Z' }, broken: ['duration'] },
  { name: 'an end that is no time', spec: { ...without('duration'), expiresAt: 'tomorrow' }, broken: ['expiresAt'] },
  {
    name: 'an end on a day that there is not',
    spec: { ...without('duration'), expiresAt: '2026-02-33T00:00:00Z' },
    broken: ['expiresAt'],
  },
  { name: 'a duration of more than a day', spec: { ...valid, duration: '25h' }, broken: ['duration'] },
  { name: 'a duration that is none', spec: { ...valid, duration: 'long' }, broken: ['duration'] },
  { name: 'no action', spec: without('action'), broken: ['action'] },
  { name: 'another action', spec: { ...valid, action: 'Open' }, broken: ['action'] },
  { name: 'no breakers', spec: { ...valid, breakers: [] }, broken: ['breakers'] },
  { name: 'a prefix and everything', spec: { ...valid, breakers: ['partner-*', '*'] }, broken: [] },
  { name: 'a star inside', spec: { ...valid, breakers: ['a*b'] }, broken: ['breakers[0]'] },
  { name: 'a selector', spec: { ...valid, selector: { matchLabels: { app: 'checkout' } } }, broken: [] },
  {
    name: 'a requirement without values',
    spec: { ...valid, selector: { matchExpressions: [requirement] } },
    broken: ['selector.matchExpressions[0].values'],
  },
];

import type { PolicyStatus } from '@fuseboard/schema';
import { expect, it } from '@jest/globals';
import { problemOf } from './status-columns.ts';

const condition = (type: string, status: 'True' | 'False' | 'Unknown', reason: string) => ({
  type,
  status,
  reason,
  message: `${type} is ${reason}`,
  lastTransitionTime: '2026-01-01T00:00:00Z',
});
const GOOD = [condition('Accepted', 'True', 'Valid'), condition('Healthy', 'True', 'NoneOpen')];

it.each<[PolicyStatus['conditions'], string | undefined]>([
  [[...GOOD, condition('Programmed', 'True', 'Programmed')], undefined],
  [[...GOOD, condition('Programmed', 'Unknown', 'Pending')], undefined],
  [[...GOOD, condition('Programmed', 'False', 'NoAgents')], undefined],
  [[...GOOD, condition('Programmed', 'Unknown', 'AgentsGone')], 'AgentsGone'],
  [[condition('Healthy', 'False', 'BreakerOpen'), condition('Programmed', 'Unknown', 'AgentsGone')], 'AgentsGone'],
  [[condition('Accepted', 'False', 'Invalid'), condition('Programmed', 'False', 'Rejected')], 'Invalid'],
])('of %j the worst is %s', (conditions, reason) => {
  expect(problemOf({ conditions })?.reason).toBe(reason);
});

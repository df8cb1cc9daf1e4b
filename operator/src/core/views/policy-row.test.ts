import type { PolicyStatus } from '@fuseboard/schema';
import { describe, expect, it } from '@jest/globals';
import type { Policy } from '../policy/policy.ts';
import { policyRow } from './policy-row.ts';

const POLICY: Policy = {
  ...{ uid: 'u', namespace: 'shop', name: 'payments', generation: 3, createdAt: 0, problems: [] },
  spec: { breakers: ['payments'], mode: 'Shadow', trip: { failureCount: 4 }, recovery: { openDuration: '5s' } },
};

const condition = (type: string, reason: string, message: string) => ({
  ...{ type, reason, message, status: 'False', observedGeneration: 3, lastTransitionTime: '2026-01-01T00:00:00Z' },
});
const status = (...conditions: object[]) => ({ conditions }) as PolicyStatus;

describe('a row of a policy', () => {
  it('tells what a person looks for', () => {
    expect(policyRow(POLICY, status(condition('Programmed', 'Programmed', '2 agents applied the spec')))).toMatchObject(
      {
        ...{ uid: 'u', name: 'payments', mode: 'Shadow', breakers: ['payments'], openDuration: '5s' },
        ...{ thresholds: { failureCount: 4 }, rollout: 'Programmed', message: '2 agents applied the spec' },
      },
    );
  });

  it('names the first problem of a spec that cannot be used', () => {
    const problems = [{ field: 'spec.trip', message: 'must not be negative' }];
    expect(policyRow({ ...POLICY, problems }, undefined)).toMatchObject({
      ...{ rollout: 'Invalid', message: 'spec.trip: must not be negative', breakers: [] },
    });
  });

  it('puts a conflict before everything that follows from it', () => {
    const conflicted = condition('Accepted', 'Conflicted', 'policy "older" governs every breaker named here');
    expect(policyRow(POLICY, status(conflicted, condition('Programmed', 'NoAgents', 'none')))).toMatchObject({
      ...{ rollout: 'Conflicted', message: 'policy "older" governs every breaker named here' },
    });
  });

  it('is unknown until a status was worked out', () => {
    expect(policyRow(POLICY, undefined).rollout).toBe('Unknown');
  });
});

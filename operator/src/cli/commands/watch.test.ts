import { describe, expect, it } from '@jest/globals';
import type { StateChange } from '../../core/fleet/fleet-breakers.ts';
import type { LiveDifference } from '../../http/admin/live/live.ts';
import { TransitionReader } from './watch.ts';

const opened = (at: number, instance = 'pod-1'): StateChange => ({
  at,
  from: 'closed',
  to: 'open',
  reason: 'failure-rate',
  instance,
});

const row = (...changes: StateChange[]) =>
  ({ rows: [{ id: 'r', namespace: 'shop', breaker: 'payments', uid: 'u', changes }] }) as unknown as LiveDifference;

describe('transitions from a stream', () => {
  it('leaves out what had happened before', () => {
    const reader = new TransitionReader();
    expect([...reader.read(row(opened(1_000)))]).toEqual([]);
  });

  it('tells each once, whatever order agents report in, with the policy by name', () => {
    const reader = new TransitionReader();
    const policies = [{ uid: 'u', name: 'payments' }] as unknown as LiveDifference['policies'] & {};
    expect([...reader.read({ policies, rows: [] })]).toEqual([]);
    const told = [...reader.read(row(opened(5_000, 'pod-2')))];
    expect(told).toEqual([{ ...opened(5_000, 'pod-2'), namespace: 'shop', breaker: 'payments', policy: 'payments' }]);
    const late = [...reader.read(row(opened(5_001, 'pod-2'), opened(4_000, 'pod-1')))];
    expect(late.map(({ instance }) => instance)).toEqual(['pod-1']);
  });

  it('tells what happened while the stream was cut', () => {
    const reader = new TransitionReader();
    [...reader.read(row())];
    const again = [...reader.read(row(opened(9_000)))];
    expect(again.map(({ at }) => at)).toEqual([9_000]);
  });
});

import type { Report } from '@fuseboard/schema';
import { describe, expect, it } from '@jest/globals';
import type { Snapshot } from '../delivery/snapshot.ts';
import { SnapshotCache } from '../delivery/snapshot-cache.ts';
import { Fleet } from './fleet.ts';
import { NO_TOTALS } from './totals.ts';

const snapshotOf = (consecutiveFailures: number): Snapshot => {
  const snapshots = new SnapshotCache();
  const spec = { breakers: ['payments'], trip: { consecutiveFailures } };
  const common = { uid: 'payments', namespace: 'shop', name: 'payments', createdAt: 0, problems: [] };
  snapshots.update([{ ...common, generation: consecutiveFailures, spec }]);
  return snapshots.snapshot('shop', {});
};
const [ONE, TWO, THREE] = [snapshotOf(1), snapshotOf(2), snapshotOf(3)];

/** One agent that runs the first snapshot at 1000 ms. */
function scene() {
  const fleet = new Fleet();
  const agent = fleet.connect({ namespace: 'shop', boot: 'a', service: 's', instance: 'pod-a', labels: {} }, 0);
  let sequence = 0;
  const report = (now: number, snapshot: Snapshot, over: Partial<Report> = {}) => {
    sequence += 1;
    const { revision } = snapshot;
    const common = { protocol: 1, service: 's', instance: 'pod-a', boot: 'a', part: 1, parts: 1, breakers: [] };
    const receipt = fleet.report(
      { namespace: 'shop' },
      { ...common, sequence, revision, rejections: [], ...over },
      now,
    );
    return receipt.kind === 'accepted' ? receipt.tookMs : undefined;
  };
  /** A change that the operator saw `noticed` ms ago. */
  const change = (now: number, snapshot: Snapshot, noticed = 100) => {
    fleet.setTarget(agent, snapshot, now);
    fleet.expectApplied(agent, snapshot, now - noticed);
    fleet.sent(agent, snapshot);
  };
  fleet.setTarget(agent, ONE, 0);
  fleet.sent(agent, ONE);
  return { fleet, agent, report, change };
}

describe('an agent', () => {
  it('is behind from when it came until it says that it runs what it should', () => {
    const { agent, report } = scene();
    expect(agent.behindSince).toBe(0);
    expect(report(1_000, ONE, { appliedAgoMs: 10 })).toEqual([]);
    expect(agent.behindSince).toBeUndefined();
  });

  it('is behind from the first change that it has not applied, however many follow', () => {
    const { agent, report, change } = scene();
    report(1_000, ONE);
    change(2_000, TWO);
    change(3_000, THREE);
    report(3_500, TWO, { appliedAgoMs: 0 });
    expect(agent.behindSince).toBe(2_000);
    report(4_000, THREE, { appliedAgoMs: 0 });
    expect(agent.behindSince).toBeUndefined();
  });

  it('took for a change the time from when the operator saw it until the agent had it, not until it said so', () => {
    const { report, change } = scene();
    report(1_000, ONE);
    change(2_000, TWO);
    expect(report(2_600, TWO, { appliedAgoMs: 550 })).toEqual([150]);
    expect(report(12_000, TWO)).toEqual([]);
  });

  it('took for each of two changes its own time when one commit holds both', () => {
    const { report, change } = scene();
    report(1_000, ONE);
    change(2_000, TWO);
    change(2_500, THREE);
    expect(report(3_000, THREE, { appliedAgoMs: 100 })).toEqual([1_000, 500]);
  });

  it('took no time for a change that it refuses', () => {
    const { report, change } = scene();
    report(1_000, ONE);
    change(2_000, TWO);
    const rejections = [{ uid: 'payments', generation: 2, field: 'trip', message: 'no' }];
    expect(report(2_600, TWO, { appliedAgoMs: 550, rejections })).toEqual([]);
  });

  it('stays behind while what it should run is too large to be sent', () => {
    const { fleet, agent, report } = scene();
    report(1_000, ONE);
    fleet.markTooLarge(agent, 2_000);
    report(3_000, ONE);
    expect(agent.behindSince).toBe(2_000);
    fleet.setTarget(agent, ONE, 4_000);
    expect(agent.behindSince).toBeUndefined();
  });
});

it('counts the breakers of a policy by name and state, over all agents', () => {
  const { fleet, report } = scene();
  const common = { uid: 'payments', since: 0, totals: NO_TOTALS };
  const breaker = (name: string, state: 'closed' | 'open') => ({ ...common, name, state });
  report(1_000, ONE, { breakers: [breaker('payments', 'open'), breaker('search', 'closed')] });
  const none = { closed: 0, open: 0, halfOpen: 0, shadowOpen: 0 };
  expect(Object.fromEntries(fleet.breakers('payments'))).toEqual({
    payments: { ...none, open: 1 },
    search: { ...none, closed: 1 },
  });
  report(2_000, ONE, { bye: true });
  expect(fleet.breakers('payments').size).toBe(0);
});

import type { BreakerReport, Report, Totals } from '@fuseboard/schema';
import { describe, expect, it } from '@jest/globals';
import { shopPolicy as policy } from '../../../test/policies.ts';
import { SnapshotCache } from '../delivery/snapshot-cache.ts';
import { DEFAULT_BOUNDS } from '../limits/limits.ts';
import type { Policy } from '../policy/policy.ts';
import { readOverride } from '../policy/read-override.ts';
import type { Labels } from '../policy/selector.ts';
import type { Agent, AgentRecord } from './agent-record.ts';
import { MAX_BREAKER_NAMES, OTHER } from './counters.ts';
import { Fleet, GONE_AFTER_MS, type PolicyCounts, type Receipt, STALE_AFTER_MS } from './fleet.ts';
import { NO_TOTALS } from './totals.ts';

const snapshotOf = (...policies: Policy[]) => {
  const snapshots = new SnapshotCache();
  snapshots.update(policies);
  return snapshots.snapshot('shop', {});
};

const totals = (over: Partial<Totals>): Totals => ({ ...NO_TOTALS, ...over });

const breaker = (over: Partial<BreakerReport> = {}): BreakerReport => ({
  name: 'payments',
  uid: 'payments',
  state: 'closed',
  since: 0,
  totals: NO_TOTALS,
  ...over,
});

const countsOf = ({ breakers, open }: PolicyCounts) => ({ breakers, open });

const SNAPSHOT = snapshotOf(policy('payments'));

class Scene {
  readonly fleet = new Fleet();
  now = 0;
  #sequences = new Map<string, number>();

  join(boot: string, snapshot = SNAPSHOT, namespace = 'shop'): Agent {
    const identity = { namespace, boot, service: 's', instance: `pod-${boot}`, labels: {} };
    const agent = this.fleet.connect(identity, this.now);
    this.fleet.setTarget(agent, snapshot, this.now);
    this.fleet.sent(agent, snapshot);
    return agent;
  }

  report(boot: string, over: Partial<Report> = {}, namespace = 'shop') {
    const sequence = over.sequence ?? (this.#sequences.get(boot) ?? 0) + 1;
    this.#sequences.set(boot, sequence);
    const report: Report = {
      protocol: 1,
      service: 's',
      instance: `pod-${boot}`,
      boot,
      sequence,
      part: 1,
      parts: 1,
      revision: SNAPSHOT.revision,
      rejections: [],
      breakers: [],
      ...over,
    };
    return this.fleet.report({ namespace }, report, this.now);
  }

  of(uid = 'payments') {
    return this.fleet.counts('shop', [uid], this.now).get(uid)!;
  }

  counted(name = 'payments', under = 'payments'): Totals | undefined {
    return this.fleet.counters.list().find((one) => one.breaker === name && one.policy === under)?.totals;
  }
}

describe('agents of a policy', () => {
  it('count as having applied it only after a report that names the revision', () => {
    const scene = new Scene();
    scene.join('a');
    expect(scene.of().agents).toEqual({ matched: 1, applied: 0, rejected: 0, stale: 0 });
    scene.report('a', { revision: undefined });
    expect(scene.of().agents.applied).toBe(0);
    scene.report('a');
    expect(scene.of().agents.applied).toBe(1);
  });

  it('still have applied a policy when another one is new', () => {
    const scene = new Scene();
    const agent = scene.join('a');
    scene.report('a');
    const next = snapshotOf(policy('payments'), policy('search'));
    scene.fleet.setTarget(agent, next, scene.now);
    expect(scene.of('payments').agents.applied).toBe(1);
    expect(scene.of('search').agents).toMatchObject({ matched: 1, applied: 0 });
    scene.fleet.sent(agent, next);
    scene.report('a', { revision: next.revision });
    expect(scene.of('search').agents.applied).toBe(1);
  });

  it('have not applied a revision that they were never sent', () => {
    const scene = new Scene();
    scene.join('a');
    scene.report('a', { revision: 'made-up' });
    expect(scene.of().agents.applied).toBe(0);
  });

  it('are counted as rejected with field and message, cut to 256 characters', () => {
    const scene = new Scene();
    scene.join('a');
    const rejection = { uid: 'payments', generation: 1, field: 'spec.trip', message: 'x'.repeat(600) };
    expect(scene.report('a', { rejections: [rejection] })).toMatchObject({ rejections: [{ uid: 'payments' }] });
    expect(scene.of()).toMatchObject({ agents: { matched: 1, applied: 0, rejected: 1 } });
    expect(scene.of().rejections).toEqual([{ agent: 'pod-a', field: 'spec.trip', message: 'x'.repeat(256) }]);
    expect(scene.report('a', { rejections: [rejection] })).toMatchObject({ rejections: [] });
    scene.report('a');
    expect(scene.of().agents).toMatchObject({ applied: 1, rejected: 0 });
  });

  it('list at most five rejections', () => {
    const scene = new Scene();
    for (const boot of 'abcdefg') {
      scene.join(boot);
      scene.report(boot, { rejections: [{ uid: 'payments', generation: 1, field: 'f', message: 'm' }] });
    }
    expect(scene.of().agents.rejected).toBe(7);
    expect(scene.of().rejections).toHaveLength(5);
  });

  it('do not count as applied between the parts of a report that rejects in the second', () => {
    const scene = new Scene();
    scene.join('a');
    scene.report('a', { sequence: 1, part: 1, parts: 2 });
    expect(scene.of().agents).toMatchObject({ applied: 0, rejected: 0 });
    const rejections = [{ uid: 'payments', generation: 1, field: 'f', message: 'm' }];
    scene.report('a', { sequence: 1, part: 2, parts: 2, rejections });
    expect(scene.of().agents).toMatchObject({ applied: 0, rejected: 1 });
  });

  it('become stale after 30 s and gone after 60 s without a report', () => {
    const scene = new Scene();
    const agent = scene.join('a');
    scene.report('a');
    scene.now = STALE_AFTER_MS;
    expect([...scene.fleet.sweep(scene.now - 1, scene.now)]).toEqual(['shop']);
    expect(scene.of().agents).toEqual({ matched: 1, applied: 0, rejected: 0, stale: 1 });
    scene.now = GONE_AFTER_MS;
    expect([...scene.fleet.sweep(scene.now - 1, scene.now)]).toEqual(['shop']);
    expect(scene.of().agents.matched).toBe(0);
    scene.report('a');
    expect(scene.of().agents.applied).toBe(1);
    scene.fleet.disconnect(agent);
    scene.now *= 2;
    scene.fleet.sweep(0, scene.now);
    expect(scene.report('a')).toEqual({ kind: 'unknown' });
  });

  it('that are silent for too long take their breakers out of the counts, though their stream is open', () => {
    const scene = new Scene();
    scene.join('a');
    scene.report('a', { breakers: [breaker({ state: 'open', totals: totals({ failed: 3 }) })] });
    scene.now = GONE_AFTER_MS;
    scene.fleet.sweep(0, scene.now);
    expect(scene.of()).toMatchObject({ breakers: { open: 0 }, open: [] });
    const base = totals({ failed: 3 });
    scene.report('a', { breakers: [breaker({ state: 'open', base, totals: totals({ failed: 5 }) })] });
    expect(scene.of().breakers.open).toBe(1);
    expect(scene.counted()).toMatchObject({ failed: 5 });
  });

  it('tell whether code lets the fallback of the policy answer, for as long as they are there', () => {
    const scene = new Scene();
    for (const boot of ['a', 'b', 'c']) scene.join(boot);
    scene.report('a', { breakers: [breaker({ optedIn: false }), breaker({ key: 'host', state: 'open' })] });
    scene.report('b', { breakers: [breaker({ optedIn: true })] });
    scene.report('c', { breakers: [breaker()] });
    expect(scene.of().fallback).toEqual({ optedIn: 1, unused: 1 });
    scene.report('a', { breakers: [breaker({ optedIn: true })] });
    expect(scene.of().fallback).toEqual({ optedIn: 2, unused: 0 });
    scene.report('b', { breakers: [breaker()] });
    scene.report('a', { bye: true });
    expect(scene.of().fallback).toEqual({ optedIn: 0, unused: 0 });
  });

  it('leave at once with a bye, and take their breakers with them', () => {
    const scene = new Scene();
    scene.join('a');
    scene.report('a', { breakers: [breaker({ state: 'open' })] });
    expect(scene.of().breakers.open).toBe(1);
    scene.report('a', { bye: true });
    expect(scene.of()).toMatchObject({ agents: { matched: 0 }, breakers: { open: 0 }, open: [] });
  });

  it('are counted to the last part of a report that says bye in each', () => {
    const scene = new Scene();
    scene.join('a');
    const said = (part: number, name: string) =>
      scene.report('a', {
        sequence: 1,
        part,
        parts: 2,
        bye: true,
        breakers: [breaker({ name, totals: totals({ failed: 1 }) })],
      });
    expect(said(1, 'payments').kind).toBe('accepted');
    expect(said(2, 'search').kind).toBe('accepted');
    expect(scene.counted('search')).toMatchObject({ failed: 1 });
    expect(scene.report('a').kind).toBe('unknown');
  });

  it('are not known under another namespace', () => {
    const scene = new Scene();
    scene.join('a');
    expect(scene.report('a', {}, 'bank')).toEqual({ kind: 'unknown' });
  });
});

describe('limits of the code of an agent', () => {
  const guarded = [
    { uid: 'payments', by: 'maxOpenDuration', limit: '1m' },
    { uid: 'payments', by: 'minTimeout', limit: '1s' },
    { uid: 'theirs', by: 'minTimeout', limit: '1s' },
  ];

  it('are counted beside the agents that applied the policy, and only of policies that were sent to it', () => {
    const scene = new Scene();
    const agent = scene.join('a');
    scene.join('b');
    const { touched } = scene.report('a', { guarded }) as Extract<Receipt, { kind: 'accepted' }>;
    scene.report('b');
    expect(scene.of().agents).toEqual({ matched: 2, applied: 2, rejected: 0, stale: 0, guarded: 1 });
    expect([...touched.policies]).toEqual(['payments']);
    expect([...agent.guarded]).toEqual([['payments', ['maxOpenDuration 1m', 'minTimeout 1s']]]);
    scene.report('a', { guarded: [] });
    expect(scene.of().agents).toEqual({ matched: 2, applied: 2, rejected: 0, stale: 0 });
  });

  it('are told of again exactly when they change', () => {
    const scene = new Scene();
    scene.join('a');
    const touched = (over: Partial<Report>) => [
      ...(scene.report('a', over) as Extract<Receipt, { kind: 'accepted' }>).touched.policies,
    ];
    touched({});
    expect(touched({ guarded })).toEqual(['payments']);
    expect(touched({ guarded })).toEqual([]);
    expect(touched({ guarded: guarded.slice(1) })).toEqual(['payments']);
    expect(touched({})).toEqual(['payments']);
  });

  it('count no agent that is stale, rejected the policy, or runs another version of it', () => {
    const scene = new Scene();
    const agent = scene.join('a');
    scene.report('a', { guarded, rejections: [{ uid: 'payments', generation: 1, field: 'spec', message: 'no' }] });
    expect(scene.of().agents).toEqual({ matched: 1, applied: 0, rejected: 1, stale: 0 });
    scene.report('a', { guarded });
    expect(scene.of().agents).toMatchObject({ applied: 1, guarded: 1 });
    scene.fleet.setTarget(agent, snapshotOf(policy('payments', { generation: 2, spec: { breakers: ['pay*'] } })), 0);
    expect(scene.of().agents).toEqual({ matched: 1, applied: 0, rejected: 0, stale: 0 });
    scene.fleet.setTarget(agent, SNAPSHOT, 0);
    scene.now += STALE_AFTER_MS;
    expect(scene.of().agents).toEqual({ matched: 1, applied: 0, rejected: 0, stale: 1 });
  });

  it('come with the first part of a report that has several', () => {
    const scene = new Scene();
    const agent = scene.join('a');
    scene.report('a', { sequence: 1, part: 1, parts: 2, guarded });
    expect(agent.guarded.size).toBe(0);
    scene.report('a', { sequence: 1, part: 2, parts: 2 });
    expect(agent.guarded.size).toBe(1);
  });

  it('take little room, whatever an agent says', () => {
    const scene = new Scene();
    const agent = scene.join('a');
    const long = Array.from({ length: 100 }, () => ({ uid: 'payments', by: 'x'.repeat(64), limit: 'y'.repeat(64) }));
    scene.report('a', { guarded: long });
    expect(JSON.stringify([...agent.guarded]).length).toBeLessThan(80);
  });
});

describe('counts of calls', () => {
  it('grow by what is new in a report', () => {
    const scene = new Scene();
    scene.join('a');
    scene.report('a', { breakers: [breaker({ totals: totals({ succeeded: 5 }) })] });
    scene.report('a', { breakers: [breaker({ totals: totals({ succeeded: 9, failed: 1 }) })] });
    expect(scene.counted()).toMatchObject({ succeeded: 9, failed: 1 });
  });

  it('begin at the base of an agent that was counted elsewhere', () => {
    const scene = new Scene();
    scene.join('a');
    const base = totals({ succeeded: 1_000_000 });
    scene.report('a', { breakers: [breaker({ base, totals: totals({ succeeded: 1_000_003 }) })] });
    expect(scene.counted()).toMatchObject({ succeeded: 3 });
  });

  it('begin at the base of an agent that came back from where it was counted too', () => {
    const scene = new Scene();
    scene.join('a');
    scene.report('a', { breakers: [breaker({ totals: totals({ failed: 4 }), latency: [4] })] });
    const [base, baseLatency] = [totals({ failed: 10 }), [6, 4]];
    scene.report('a', { breakers: [breaker({ base, baseLatency, totals: totals({ failed: 11 }), latency: [6, 5] })] });
    expect(scene.counted()).toMatchObject({ failed: 5 });
    expect(scene.fleet.counters.list()[0]!.latency.slice(0, 3)).toEqual([4, 1, 0]);
  });

  it('take nothing twice from a part that comes again, or from a report whose answer was lost', () => {
    const scene = new Scene();
    scene.join('a');
    const first = { sequence: 1, breakers: [breaker({ totals: totals({ failed: 4 }) })] };
    expect(scene.report('a', first).kind).toBe('accepted');
    expect(scene.report('a', first).kind).toBe('repeated');
    scene.report('a', { sequence: 2, breakers: [breaker({ base: NO_TOTALS, totals: totals({ failed: 6 }) })] });
    expect(scene.report('a', first).kind).toBe('repeated');
    expect(scene.counted()).toMatchObject({ failed: 6 });
  });

  it('are kept by duration too, from the base on', () => {
    const scene = new Scene();
    scene.join('a');
    scene.report('a', { breakers: [breaker({ baseLatency: [5, 1], latency: [6, 1, 2] })] });
    scene.report('a', { breakers: [breaker({ latency: [6, 4, 2] })] });
    expect(scene.fleet.counters.list()[0]!.latency.slice(0, 4)).toEqual([1, 3, 2, 0]);
  });

  it('do not fall when a report has lower ones', () => {
    const scene = new Scene();
    scene.join('a');
    scene.report('a', { breakers: [breaker({ totals: totals({ failed: 4 }) })] });
    scene.report('a', { breakers: [breaker({ totals: totals({ failed: 2 }) })] });
    expect(scene.counted()).toMatchObject({ failed: 4 });
  });

  it('of a policy that was not sent to the agent fall to no policy, and its state is not believed', () => {
    const scene = new Scene();
    scene.join('a');
    const foreign = breaker({ uid: 'theirs', state: 'open', totals: totals({ failed: 4 }) });
    const { touched } = scene.report('a', { breakers: [foreign] }) as Extract<Receipt, { kind: 'accepted' }>;
    expect([...touched.policies]).not.toContain('theirs');
    expect(scene.of('theirs').breakers.open).toBe(0);
    expect(scene.counted('payments', '')).toMatchObject({ failed: 4 });
  });

  it('name as touched the policies that were sent to the agent, and no other', () => {
    const scene = new Scene();
    scene.join('a');
    scene.join('theirs', snapshotOf(policy('theirs')), 'bank');
    scene.report('a');
    const receipt = scene.report('a', { breakers: [breaker(), breaker({ name: 'other', uid: 'theirs' })] });
    expect(receipt).toMatchObject({ kind: 'accepted', touched: { policies: new Set(['payments']) } });
  });

  it('stay under a bounded number of names', () => {
    const scene = new Scene();
    scene.join('a');
    const many = Array.from({ length: MAX_BREAKER_NAMES + 50 }, (_, i) =>
      breaker({ name: `b${i}`, uid: undefined, totals: totals({ failed: 1 }) }),
    );
    scene.report('a', { breakers: many });
    expect(scene.fleet.counters.list()).toHaveLength(MAX_BREAKER_NAMES + 1);
    expect(scene.counted(OTHER, '')).toMatchObject({ failed: 50 });
  });
});

describe('states of breakers', () => {
  it('are counted for each agent and breaker, shadow ones apart, keys folded into the worst', () => {
    const scene = new Scene();
    scene.join('a');
    scene.join('b');
    scene.report('a', {
      breakers: [breaker({ state: 'open' }), breaker({ name: 'two', state: 'open', shadow: true })],
    });
    scene.report('b', {
      breakers: [breaker({ key: 'x', state: 'half-open' }), breaker({ key: 'y', state: 'closed' })],
    });
    expect(scene.of().breakers).toEqual({ closed: 0, open: 1, halfOpen: 1, shadowOpen: 1 });
    expect(scene.of().open).toEqual(['payments on pod-a']);
    scene.report('a', { breakers: [breaker({ state: 'closed' })] });
    scene.report('b', { breakers: [breaker({ key: 'x', state: 'closed' })] });
    expect(scene.of().breakers).toEqual({ closed: 2, open: 0, halfOpen: 0, shadowOpen: 1 });
  });

  it('forget a key that is no longer reported, and count its calls with its breaker only', () => {
    const scene = new Scene();
    scene.join('a');
    const own = breaker({ totals: totals({ failed: 3 }) });
    const host = breaker({ key: 'host', state: 'open', totals: totals({ failed: 3 }) });
    scene.report('a', { breakers: [own, host] });
    expect(scene.counted()?.failed).toBe(3);
    expect(scene.of().breakers.open).toBe(1);
    expect(scene.fleet.agents('shop').next().value?.breakers).toMatchObject([{ state: 'open', totals: { failed: 3 } }]);
    scene.now = GONE_AFTER_MS - 1;
    scene.report('a', { breakers: [] });
    expect([...scene.fleet.sweep(0, scene.now)]).toEqual([]);
    scene.now = GONE_AFTER_MS;
    expect([...scene.fleet.sweep(GONE_AFTER_MS - 1, scene.now)]).toEqual(['shop']);
    expect(scene.of().breakers).toMatchObject({ open: 0, closed: 1 });
    expect(scene.of().open).toEqual([]);
  });

  it.each<[string, Partial<BreakerReport>, Partial<BreakerReport>]>([
    ['enforced after shadow', { shadow: true }, {}],
    ['shadow after enforced', {}, { shadow: true }],
    ['of another policy', { uid: 'search' }, {}],
  ])('forget a key beside an open one that is counted otherwise: %s', (_title, first, second) => {
    const scene = new Scene();
    scene.join('a', snapshotOf(policy('payments'), policy('search')));
    scene.report('a', { breakers: [breaker({ key: 'old', state: 'open', ...first })] });
    scene.now = GONE_AFTER_MS - 1;
    scene.report('a', { breakers: [breaker({ key: 'new', state: 'open', ...second })] });
    scene.now = GONE_AFTER_MS;
    expect([...scene.fleet.sweep(GONE_AFTER_MS - 1, scene.now)]).toEqual(['shop']);
    const only = new Scene();
    only.join('a', snapshotOf(policy('payments'), policy('search')));
    only.report('a', { breakers: [breaker({ key: 'new', state: 'open', ...second })] });
    for (const uid of ['payments', 'search']) expect(scene.of(uid)).toMatchObject(countsOf(only.of(uid)));
  });

  it('forget a breaker of which only keys were reported, when they are no longer reported', () => {
    const scene = new Scene();
    scene.join('a');
    scene.report('a', { breakers: [breaker({ key: 'host', state: 'open' })] });
    scene.now = GONE_AFTER_MS - 1;
    scene.report('a');
    scene.now = GONE_AFTER_MS;
    scene.fleet.sweep(GONE_AFTER_MS - 1, scene.now);
    expect(scene.fleet.agents('shop').next().value?.breakers).toEqual([]);
    expect(scene.of()).toMatchObject({ open: [], breakers: { open: 0, closed: 0 } });
  });

  it('take more places for long keys and errors, and are stored without an error that has no room', () => {
    const bounds = { ...DEFAULT_BOUNDS, breakersPerPod: 3 };
    const fleet = new Fleet(bounds);
    const identity = { namespace: 'shop', pod: 'uid', boot: 'a', service: 's', instance: 'pod-a', labels: {} };
    const agent = fleet.connect(identity, 0) as AgentRecord;
    let sequence = 0;
    const say = (lastError?: { name: string; message: string }, over: Partial<BreakerReport> = {}) => {
      sequence += 1;
      const breakers = [breaker({ uid: undefined, state: 'open', ...(lastError && { lastError }), ...over })];
      const common = { protocol: 1, service: 's', instance: 'pod-a', boot: 'a', part: 1, parts: 1, rejections: [] };
      fleet.report({ namespace: 'shop', pod: 'uid' }, { ...common, sequence, breakers }, 0);
      return agent.places;
    };
    const error = (length: number) => ({ name: 'E', message: 'x'.repeat(length - 1) });
    expect(say(error(255))).toBe(1);
    expect(say(error(513))).toBe(3);
    expect(agent.breakers[0]?.lastError).toBeDefined();
    expect(say(error(200))).toBe(1);
    expect(say(undefined, { key: 'k'.repeat(256) })).toBe(3);
    expect(say(error(513), { state: 'half-open' })).toBe(3);
    expect(agent.entries.get('payments')?.get('')).toMatchObject({ state: 'half-open', places: 1 });
    expect(agent.entries.get('payments')?.get('')?.lastError).toBeUndefined();
  });

  it('follow a breaker to the policy that governs it now', () => {
    const scene = new Scene();
    scene.join('a', snapshotOf(policy('payments'), policy('other')));
    scene.report('a', { breakers: [breaker({ state: 'open' })] });
    scene.report('a', { breakers: [breaker({ uid: 'other', state: 'open' })] });
    expect(scene.of('payments').breakers.open).toBe(0);
    expect(scene.of('other').breakers.open).toBe(1);
  });

  it('tell a transition once, also when it is sent again after a lost answer', () => {
    const scene = new Scene();
    scene.join('a');
    const opened = { from: 'closed', to: 'open', agoMs: 10, reason: 'failureRate' } as const;
    const told = scene.report('a', { breakers: [breaker({ state: 'open', transitions: [opened] })] });
    expect(told).toMatchObject({ transitions: [{ breaker: 'payments', to: 'open', agoMs: 10 }] });
    scene.now = 5_000;
    const halved = { from: 'open', to: 'half-open', agoMs: 100, reason: 'openDuration' } as const;
    const again = scene.report('a', {
      breakers: [breaker({ state: 'half-open', transitions: [{ ...opened, agoMs: 5_010 }, halved] })],
    });
    expect(again).toMatchObject({ transitions: [{ to: 'half-open' }] });
    expect(scene.fleet.counters.list()[0]!.entered).toEqual({ closed: 0, open: 1, 'half-open': 1 });
  });

  it('tell each of several that are alike and follow within a second', () => {
    const scene = new Scene();
    scene.join('a');
    const transitions = [
      { from: 'open', to: 'half-open', agoMs: 10, reason: 'open-duration-over' },
      { from: 'half-open', to: 'open', agoMs: 10, reason: 'probe-failed' },
    ] as const;
    const reopened = (base: number | undefined, failed: number) =>
      scene.report('a', {
        breakers: [
          breaker({
            state: 'open',
            ...(base !== undefined && { base: totals({ failed: base }) }),
            totals: totals({ failed }),
            transitions: [...transitions],
          }),
        ],
      });
    reopened(undefined, 3);
    for (let failed = 4; failed < 8; failed += 1) {
      scene.now += 1_000;
      expect(reopened(failed - 1, failed)).toMatchObject({ transitions: [{ to: 'half-open' }, { to: 'open' }] });
    }
    // The answer to the previous report was lost.
    expect(reopened(6, 8)).toMatchObject({ transitions: [] });
    expect(scene.fleet.counters.list()[0]!.entered).toEqual({ closed: 0, open: 5, 'half-open': 5 });
  });

  it('are reported again after a report that had none', () => {
    const scene = new Scene();
    scene.join('a');
    const opened = { from: 'closed', to: 'open', agoMs: 0, reason: 'forced' } as const;
    for (const transitions of [[opened], [], [opened]]) {
      scene.now += 500;
      scene.report('a', { breakers: [breaker({ base: NO_TOTALS, state: 'open', transitions })] });
    }
    expect(scene.fleet.counters.list()[0]!.entered).toMatchObject({ open: 2 });
  });
});

describe('overrides', () => {
  const steered = (...names: string[]) => {
    const snapshots = new SnapshotCache();
    const spec = { breakers: ['payments'], action: 'ForceOpen', reason: 'why', duration: '10m' };
    const overrides = names.map((name) => readOverride({ uid: name, namespace: 'shop', name, createdAt: 0, spec }));
    snapshots.update([policy('payments')], overrides);
    return snapshots.snapshot('shop', {});
  };
  const counts = (scene: Scene, uid: string) => scene.fleet.overrideCounts('shop', new Set([uid]), scene.now).get(uid);

  it('that the code of an agent limits are counted, whether it applies them or not', () => {
    const scene = new Scene();
    const snapshot = steered('stop');
    for (const boot of ['a', 'b', 'c']) scene.join(boot, snapshot);
    const { revision } = snapshot;
    scene.report('a', { revision, guarded: [{ uid: 'stop', by: 'neverForceOpen' }] });
    scene.report('b', {
      revision,
      overrides: ['stop'],
      guarded: [{ uid: 'stop', by: 'maxOpenDuration', limit: '1m' }],
    });
    scene.report('c', { revision, overrides: ['stop'] });
    expect(counts(scene, 'stop')).toEqual({ matched: 3, applied: 2, rejected: 0, stale: 0, guarded: 2 });
    scene.now += STALE_AFTER_MS;
    expect(counts(scene, 'stop')).toEqual({ matched: 3, applied: 0, rejected: 0, stale: 3 });
  });

  it('are applied by agents that report so, not by those that run the revision', () => {
    const scene = new Scene();
    const snapshot = steered('stop');
    scene.join('a', snapshot);
    scene.join('b', snapshot);
    const { revision } = snapshot;
    scene.report('a', { revision, overrides: ['stop'] });
    scene.report('b', { revision });
    expect(counts(scene, 'stop')).toEqual({ matched: 2, applied: 1, rejected: 0, stale: 0 });
    expect(counts(scene, 'other')).toEqual({ matched: 0, applied: 0, rejected: 0, stale: 0 });
    scene.now += STALE_AFTER_MS;
    expect(counts(scene, 'stop')).toMatchObject({ applied: 0, stale: 2 });
    scene.now += GONE_AFTER_MS;
    expect(counts(scene, 'stop')).toMatchObject({ matched: 0 });
  });

  it('that an agent was not sent count for nothing', () => {
    const scene = new Scene();
    const agent = scene.join('a', steered('stop'));
    scene.report('a', { overrides: ['stop', 'foreign'] });
    expect([...agent.overrides]).toEqual(['stop']);
  });

  it('touch what an agent starts and stops applying, and nothing while that stays', () => {
    const scene = new Scene();
    const snapshot = steered('stop', 'other');
    scene.join('a', snapshot);
    const { revision } = snapshot;
    const touched = (overrides?: string[]) => {
      const receipt = scene.report('a', { revision, ...(overrides && { overrides }) });
      if (receipt.kind !== 'accepted') throw new Error(receipt.kind);
      return [...receipt.touched.overrides].sort();
    };
    expect(touched(['stop'])).toEqual(['other', 'stop']);
    expect(touched(['stop'])).toEqual([]);
    expect(touched()).toEqual(['other', 'stop']);
  });
});

describe('what agents have in common', () => {
  const identity = (boot: string, labels: Labels) => ({
    namespace: 'shop',
    boot,
    service: 's',
    instance: `pod-${boot}`,
    labels,
  });

  it('is kept once: labels, whatever their order, and what was sent', () => {
    const scene = new Scene();
    const [a, b, other] = [
      scene.fleet.connect(identity('a', { app: 'x', tier: 'y' }), 0),
      scene.fleet.connect(identity('b', { tier: 'y', app: 'x' }), 0),
      scene.fleet.connect(identity('c', { app: 'x' }), 0),
    ];
    expect(b.identity.labels).toBe(a.identity.labels);
    expect(other.identity.labels).toEqual({ app: 'x' });
    for (const agent of [a, b]) scene.fleet.sent(agent, SNAPSHOT);
    expect((b as AgentRecord).delivery.sent).toBe((a as AgentRecord).delivery.sent);
  });

  it('does not make an agent that comes again another one', () => {
    const scene = new Scene();
    scene.fleet.connect(identity('a', { app: 'x', tier: 'y' }), 0);
    const b = scene.fleet.connect(identity('b', { tier: 'y', app: 'x' }), 0);
    expect(scene.fleet.connect(identity('b', { tier: 'y', app: 'x' }), 0)).toBe(b);
  });

  it('does not spread from an agent to another that had something else before', () => {
    const scene = new Scene();
    const [old, next] = [snapshotOf(policy('old')), snapshotOf(policy('next'))];
    const [a, b] = [scene.join('a', old), scene.join('b', SNAPSHOT)];
    for (const agent of [a, b]) scene.fleet.sent(agent, next);
    expect(scene.fleet.recentlySent(a, old.revision)).toBe(old);
    expect(scene.fleet.recentlySent(b, old.revision)).toBeUndefined();
    expect(scene.fleet.recentlySent(b, SNAPSHOT.revision)).toBe(SNAPSHOT);
  });
});

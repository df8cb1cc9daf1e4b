import type { BreakerReport, Totals } from '@fuseboard/schema';
import { describe, expect, it } from '@jest/globals';
import { SnapshotCache } from '../delivery/snapshot-cache.ts';
import { LimitLog } from '../limits/limit-log.ts';
import { LIMITS } from '../limits/limits.ts';
import { SLOT_MS } from '../slots.ts';
import { type BreakerRow, breakerRow } from '../views/breaker-row.ts';
import type { Agent } from './agent-record.ts';
import { Fleet, GONE_AFTER_MS } from './fleet.ts';
import { LINGER_MS, MAX_FLEET_BREAKERS_OF_NAMESPACE, TRANSITIONS_KEPT } from './fleet-breakers.ts';
import { TIMELINE_BYTES } from './timeline.ts';
import { NO_TOTALS } from './totals.ts';

const snapshots = new SnapshotCache();
snapshots.update(
  ['payments', 'search'].map((name) => ({
    ...{ uid: name, namespace: 'shop', name, generation: 1, createdAt: 0, problems: [] },
    spec: { breakers: [name] },
  })),
);
const SNAPSHOT = snapshots.snapshot('shop', {});
const WALL = 1_000_000;

class Scene {
  readonly fleet = new Fleet();
  now = 600_000;
  #sequence = 0;
  readonly #agents = new Map<string, Agent>();

  say(boot: string, over: Partial<BreakerReport> & { counted?: Partial<Totals> } = {}): void {
    if (!this.#agents.has(boot)) {
      const agent = this.fleet.connect(
        { namespace: 'shop', boot, service: 's', instance: `pod-${boot}`, labels: {} },
        this.now,
      );
      this.fleet.setTarget(agent, SNAPSHOT, this.now);
      this.fleet.sent(agent, SNAPSHOT);
      this.#agents.set(boot, agent);
    }
    const { counted, ...rest } = over;
    const totals = { ...NO_TOTALS, ...counted };
    const breaker = { name: 'payments', uid: 'payments', state: 'closed', since: 0, totals, ...rest } as const;
    this.#sequence += 1;
    const whole = { protocol: 1, service: 's', instance: `pod-${boot}`, boot, part: 1, parts: 1, rejections: [] };
    const report = { ...whole, sequence: this.#sequence, revision: SNAPSHOT.revision, breakers: [breaker] };
    this.fleet.report({ namespace: 'shop' }, report, this.now);
  }

  leave(boot: string): void {
    const agent = this.#agents.get(boot)!;
    this.fleet.disconnect(agent);
    this.now += GONE_AFTER_MS;
    this.fleet.sweep(this.now - GONE_AFTER_MS, this.now);
  }

  rows(windowMs = 10_000): BreakerRow[] {
    return [...this.fleet.fleetBreakers.list()].map((one) => breakerRow(one, { now: this.now, wall: WALL, windowMs }));
  }

  get row(): BreakerRow {
    return this.rows()[0]!;
  }
}

describe('a fleet breaker', () => {
  it('adds up what all agents count, in the window of its policy', () => {
    const scene = new Scene();
    scene.say('a', { counted: { succeeded: 10, failed: 2 } });
    scene.say('b', { counted: { succeeded: 5, slow: 1, rejected: 3 } });
    expect(scene.row.window).toEqual({ calls: 17, failed: 2, slow: 1, rejected: 3 });
    expect(scene.row.agents).toBe(2);
    scene.now += 10_000;
    expect(scene.row.window.calls).toBe(0);
    expect(scene.rows(60_000)[0]!.window.calls).toBe(17);
  });

  it('counts only what is new in totals that grow', () => {
    const scene = new Scene();
    scene.say('a', { counted: { succeeded: 10 } });
    scene.say('a', { counted: { succeeded: 12 } });
    expect(scene.row.window.calls).toBe(12);
  });

  it('is as bad as the worst of its breakers, since the first of them became so', () => {
    const scene = new Scene();
    scene.say('a', { state: 'half-open', since: 9_000 });
    scene.say('b', { state: 'open', since: 4_000 });
    scene.say('c', { state: 'open', since: 7_000 });
    scene.say('d');
    expect(scene.row).toMatchObject({
      ...{ state: 'open', shadow: false, since: WALL - 7_000, agents: 4, unwell: ['pod-b', 'pod-c'] },
      states: { closed: 1, open: 2, halfOpen: 1, shadowOpen: 0 },
    });
  });

  it('tells what the last failure was on an agent where it is not closed', () => {
    const scene = new Scene();
    const lastError = { name: 'Error', message: 'connect ECONNREFUSED' };
    scene.say('a', { state: 'half-open', since: 1_000, lastError: { name: 'Error', message: 'earlier' } });
    scene.say('b', { state: 'open', since: 1_000, lastError });
    expect(scene.row.lastError).toEqual(lastError);
    expect([...scene.fleet.agents()].flatMap(({ breakers }) => breakers.map((each) => each.lastError))).toContain(
      lastError,
    );
    scene.say('a');
    scene.say('b');
    expect(scene.row.lastError).toBeUndefined();
  });

  it('tells an open breaker in Shadow mode from one that rejects', () => {
    const scene = new Scene();
    scene.say('a', { state: 'open', shadow: true });
    expect(scene.row).toMatchObject({ state: 'open', shadow: true });
    scene.say('b', { state: 'half-open' });
    expect(scene.row).toMatchObject({ state: 'half-open', shadow: false });
  });

  it('is closed since the last of its breakers closed', () => {
    const scene = new Scene();
    scene.say('a', { since: 500_000 });
    scene.say('b', { state: 'open', since: 0 });
    scene.now += 3_000;
    scene.say('b', { state: 'closed', since: 1_000 });
    expect(scene.row).toMatchObject({ state: 'closed', since: WALL - 1_000, unwell: [] });
  });

  it('remembers the last changes of state, once each, with the agent and the reason', () => {
    const scene = new Scene();
    const transitions = [{ from: 'closed', to: 'open', agoMs: 500, reason: 'failure-rate' }] as const;
    scene.say('a', { state: 'open', transitions: [...transitions] });
    scene.say('a', { state: 'open', transitions: [...transitions] });
    expect(scene.row.changes).toEqual([
      { at: WALL - 500, from: 'closed', to: 'open', reason: 'failure-rate', instance: 'pod-a' },
    ]);
    for (let i = 0; i < 30; i += 1) {
      scene.now += 5_000;
      scene.say('a', { transitions: [{ from: 'open', to: 'closed', agoMs: i, reason: `number ${i}` }] });
    }
    expect(scene.row.changes).toHaveLength(TRANSITIONS_KEPT);
    expect(scene.row.changes.at(-1)!.reason).toBe('number 29');
  });

  it('stays for a while when its last agent is gone, and says so', () => {
    const scene = new Scene();
    scene.say('a', { state: 'open' });
    scene.leave('a');
    expect(scene.row).toMatchObject({ state: 'none', agents: 0, since: WALL - GONE_AFTER_MS, unwell: [] });
    scene.fleet.fleetBreakers.sweep(scene.now, () => true);
    expect(scene.rows()).toHaveLength(1);
    scene.now += LINGER_MS;
    scene.fleet.fleetBreakers.sweep(scene.now, () => true);
    expect(scene.rows()).toEqual([]);
  });

  it('goes with its policy once no agent runs it any more', () => {
    const scene = new Scene();
    scene.say('a');
    scene.fleet.fleetBreakers.sweep(scene.now, () => false);
    expect(scene.rows()).toHaveLength(1);
    scene.leave('a');
    scene.fleet.fleetBreakers.sweep(scene.now, () => false);
    expect(scene.rows()).toEqual([]);
  });

  it('is another one when another policy governs the breaker', () => {
    const scene = new Scene();
    scene.say('a', { state: 'open' });
    scene.say('a', { uid: 'search' });
    expect(scene.rows().map(({ uid, state, agents }) => [uid, state, agents])).toEqual([
      ['payments', 'none', 0],
      ['search', 'closed', 1],
    ]);
  });

  it('belongs to no policy where an agent names one that it was not sent', () => {
    const scene = new Scene();
    scene.say('a', { uid: 'made-up', counted: { failed: 4 } });
    expect(scene.row).toMatchObject({ breaker: 'payments', window: { failed: 4 } });
    expect(scene.row.uid).toBeUndefined();
  });

  it('tells its samples from the first in which something was counted', () => {
    const scene = new Scene();
    scene.say('a', { counted: { succeeded: 1 } });
    scene.now += 2 * SLOT_MS;
    scene.say('a', { counted: { succeeded: 1, failed: 2 } });
    expect(scene.row.samples).toEqual([1, 0, 0, 0, 0, 0, 0, 0, 2, 2, 0, 0]);
    expect(scene.row.slot).toBe(600_000 / SLOT_MS);
  });

  it('keeps latencies of the last minute', () => {
    const scene = new Scene();
    scene.say('a', { counted: { succeeded: 3 }, latency: [0, 0, 3] });
    expect(scene.row.latency).toEqual([0, 0, 3]);
    scene.now += 60_000;
    expect(scene.row.latency).toEqual([]);
  });
});

describe('the fleet breakers', () => {
  it('do not grow without bounds in one namespace, and leave room for others', () => {
    const { fleetBreakers } = new Fleet();
    for (let i = 0; i < MAX_FLEET_BREAKERS_OF_NAMESPACE; i += 1) fleetBreakers.at('shop', '', `breaker-${i}`, 0);
    expect(fleetBreakers.at('shop', '', 'one-more', 0)).toBeUndefined();
    expect(fleetBreakers.at('billing', '', 'one-more', 0)).toBeDefined();
  });

  it('keep the last hour and day of so many breakers only, and give the place of one that is gone to another', () => {
    const limits = new LimitLog();
    const { fleetBreakers } = new Fleet(undefined, limits);
    const add = (namespace: string, name: string) => {
      const breaker = fleetBreakers.at(namespace, '', name, 0)!;
      fleetBreakers.count(breaker, { ...NO_TOTALS, succeeded: 1 }, [], 0);
      return breaker;
    };
    const { value } = LIMITS.timelines;
    for (let i = 0; i < value; i += 1) add('shop', `breaker-${i}`);
    const having = [...fleetBreakers.list('shop')].filter(({ timeline }) => timeline !== undefined).length;
    expect(having).toBeGreaterThan(2_000);
    expect(limits.cut.timelines).toBe(value - having);
    expect(add('billing', 'ledger').timeline).toBeDefined();
    expect(value * TIMELINE_BYTES).toBeLessThan(64 * 2 ** 20);
    fleetBreakers.sweep(LINGER_MS, () => true);
    expect(add('shop', 'one-more').timeline).toBeDefined();
  });
});

import type { BreakerReport, Report, Totals } from '@fuseboard/schema';
import { describe, expect, it } from '@jest/globals';
import { SnapshotCache } from '../delivery/snapshot-cache.ts';
import { Fleet, GONE_AFTER_MS } from '../fleet/fleet.ts';
import { NO_TOTALS } from '../fleet/totals.ts';
import { type Outage, QUIET_MS } from './outage.ts';
import { type OutageRow, outageRow } from './outage-row.ts';
import { KEPT_MS, MAX_OUTAGES, MAX_OUTAGES_OF_NAMESPACE, Outages } from './outages.ts';
import type { SavedOutage } from './saved-outage.ts';
import { outageSentence } from './sentence.ts';
import { SERIES_COLUMNS, SERIES_SLOTS } from './series.ts';

const snapshots = new SnapshotCache();
snapshots.update([
  {
    ...{ uid: 'payments', namespace: 'shop', name: 'payments', generation: 1, createdAt: 0, problems: [] },
    spec: { breakers: ['payments'] },
  },
]);
const SNAPSHOT = snapshots.snapshot('shop', {});

type Told = Partial<Omit<BreakerReport, 'transitions' | 'totals'>> & {
  readonly transitions?: readonly string[];
  readonly counted?: Partial<Totals>;
};

/** Agents of one breaker; the clock runs from 1,000,000 ms, and zero is 1970 until a restart. */
class Scene {
  fleet = new Fleet();
  now = 1_000_000;
  /** What was saved of outages, by id. */
  readonly saved = new Map<string, SavedOutage>();
  #zero = 0;
  #sequence = 0;
  readonly #agents = new Map<string, { fleet: Fleet; totals: Totals }>();

  /** Reports for an agent; each transition is `from>to:reason`, at the current time. */
  say(boot: string, { transitions = [], counted, ...over }: Told = {}, service = 'checkout', labels = {}): void {
    const before = this.#agents.get(boot);
    if (before?.fleet !== this.fleet) {
      const identity = { namespace: 'shop', boot, service, instance: `pod-${boot}`, labels };
      const agent = this.fleet.connect(identity, this.now);
      this.fleet.setTarget(agent, SNAPSHOT, this.now);
      this.fleet.sent(agent, SNAPSHOT);
      this.#agents.set(boot, { fleet: this.fleet, totals: before?.totals ?? NO_TOTALS });
    }
    const known = this.#agents.get(boot)!;
    const base = known.totals;
    const totals = { ...base };
    for (const [name, count] of Object.entries(counted ?? {})) totals[name as keyof Totals] += count;
    known.totals = totals;
    this.#sequence += 1;
    const told = transitions.map((text) => {
      const [, from, to, reason] = /(.*)>(.*):(.*)/.exec(text) as unknown as [string, 'open', 'open', string];
      return { from, to, reason, agoMs: 0 };
    });
    const breaker: BreakerReport = {
      ...{ name: 'payments', uid: 'payments', state: 'closed', since: 0, totals, base, transitions: told },
      ...over,
    };
    const whole = { protocol: 1, service, instance: `pod-${boot}`, boot, part: 1, parts: 1, rejections: [] };
    const report: Report = { ...whole, sequence: this.#sequence, revision: SNAPSHOT.revision, breakers: [breaker] };
    this.fleet.report({ namespace: 'shop' }, report, this.now);
  }

  open(boot: string, reason = 'failure-rate'): void {
    this.say(boot, { state: 'open', transitions: [`closed>open:${reason}`] });
  }

  pass(ms: number): void {
    const before = this.now;
    this.now += ms;
    this.fleet.sweep(before, this.now);
    this.fleet.outages.sweep(this.now);
  }

  save({ max = 100, intervalMs = 0 } = {}): void {
    const { changed, removed } = this.fleet.outages.drainChanges(this.now, { max, intervalMs });
    for (const outage of changed) this.saved.set(outage.id, JSON.parse(JSON.stringify(outage)));
    for (const { id } of removed) this.saved.delete(id);
  }

  /**
   * Another process starts, so much later, with what was saved; its clock begins at zero. Agents join when they say
   * something.
   */
  restart(afterMs: number): void {
    this.#zero += this.now + afterMs;
    this.now = 0;
    const date = this.date;
    this.fleet = new Fleet(undefined, undefined, date);
    this.fleet.outages.restore([...this.saved.values()], this.now);
  }

  get date(): (at: number) => number {
    const zero = this.#zero;
    return (at) => at + zero;
  }

  get rows(): OutageRow[] {
    return [...this.fleet.outages.list()].map((one) => {
      const { outages } = this.fleet;
      return outageRow(one, this.now, this.date, outages.holdOf(one));
    });
  }

  get row(): OutageRow {
    expect(this.rows).toHaveLength(1);
    return this.rows[0]!;
  }

  get sentence(): string {
    return outageSentence(this.row, this.date(this.now), 'pod');
  }
}

describe('an outage', () => {
  it.each([
    ['consecutive-failures', 'ECONNREFUSED: connect ECONNREFUSED'],
    ['slow-call-rate', undefined],
    ['forced-open', undefined],
  ])('names the failure that opened it where failures did: %s', (reason, error) => {
    const scene = new Scene();
    scene.say('a');
    const lastError = { name: 'ECONNREFUSED', message: 'connect ECONNREFUSED' };
    scene.say('a', { state: 'open', transitions: [`closed>open:${reason}`], lastError });
    expect(scene.row.error).toBe(error);
  });

  it('lasts from the first opening to the last close, over all agents, probes and openings after probes', () => {
    const scene = new Scene();
    scene.say('b');
    scene.open('a');
    scene.pass(5_000);
    scene.open('b', 'consecutive-failures');
    scene.pass(30_000);
    scene.say('a', { state: 'half-open', transitions: ['open>half-open:open-duration-over'] });
    scene.pass(1_000);
    scene.say('a', { state: 'open', transitions: ['half-open>open:probe-failed'] });
    expect(scene.row).toMatchObject({ began: 1_000_000, reason: 'failure-rate', instance: 'pod-a', phase: 'refused' });
    expect(scene.row).toMatchObject({ attempts: 1, reopened: 1, hit: 2, agents: 2 });
    scene.say('b', { state: 'closed', transitions: ['open>closed:probe-succeeded'] });
    expect(scene.row).toMatchObject({ hit: 1 });
    scene.pass(2_000);
    scene.say('a', { state: 'closed', transitions: ['open>closed:probe-succeeded'] });
    expect(scene.row).toMatchObject({ phase: 'closed', closed: 1_038_000, hit: 2, agents: 2 });
    scene.pass(QUIET_MS);
    expect(scene.row).toMatchObject({ phase: 'over', closed: 1_038_000 });
  });

  it('continues when the breaker opens again soon, and is another one when it opens later', () => {
    const scene = new Scene();
    scene.open('a');
    scene.say('a', { transitions: ['open>closed:probe-succeeded'] });
    scene.pass(QUIET_MS - 1);
    scene.open('a', 'slow-call-rate');
    expect(scene.row).toMatchObject({ phase: 'refused', reason: 'failure-rate' });
    expect(scene.row.closed).toBeUndefined();
    scene.say('a', { transitions: ['open>closed:probe-succeeded'] });
    scene.pass(QUIET_MS);
    scene.open('a', 'slow-call-rate');
    expect(scene.rows.map(({ reason, phase }) => [reason, phase])).toEqual([
      ['failure-rate', 'over'],
      ['slow-call-rate', 'refused'],
    ]);
  });

  it('counts calls refused and answered by the fallback from its first report on, and their rate', () => {
    const scene = new Scene();
    scene.say('a', { counted: { rejected: 5 } });
    scene.say('a', { state: 'open', transitions: ['closed>open:failure-rate'], counted: { rejected: 7, fallback: 6 } });
    for (let i = 0; i < 5; i += 1) {
      scene.pass(2_000);
      scene.say('a', { state: 'open', counted: { rejected: 84, fallback: 84 } });
    }
    expect(scene.row).toMatchObject({ refused: 427, fallback: 426 });
    scene.pass(2_000);
    expect(scene.row).toMatchObject({ refusedPerSecond: 42, fallbackPerSecond: 42 });
    scene.pass(12_000);
    expect(scene.row).toMatchObject({ refusedPerSecond: 0 });
  });

  it('is told in one sentence that can be read aloud', () => {
    const scene = new Scene();
    for (const boot of ['d', 'e']) scene.say(boot);
    for (const boot of ['a', 'b', 'c']) scene.open(boot);
    expect(scene.sentence).toBe('payments is refused by 3 of 5 checkout pods for 0 s: no call was refused yet');
    for (let i = 0; i < 180; i += 1) {
      scene.pass(2_000);
      scene.say('a', { state: 'open', counted: { rejected: 84, fallback: 84 } });
      for (const boot of ['b', 'c']) scene.say(boot, { state: 'open' });
      for (const boot of ['d', 'e']) scene.say(boot);
    }
    expect(scene.sentence).toBe('payments is refused by 3 of 5 checkout pods for 6 min: 42 calls/s get the fallback');
    for (const boot of ['a', 'b']) scene.say(boot);
    scene.say('c', { state: 'half-open', transitions: ['open>half-open:open-duration-over'] });
    scene.say('x', { state: 'open' }, 'cart');
    expect(scene.sentence).toMatch('payments is refused by 2 of 6 pods of cart and checkout for 6 min');
    scene.say('x', {}, 'cart');
    expect(scene.sentence).toMatch(
      /^payments has been down for 6 min on 1 of 5 checkout pods and is being tested now: /,
    );
    scene.say('c');
    scene.pass(20_000);
    expect(scene.sentence).toBe(
      'payments is accepted again since 20 s, after 6 min of refusals by 3 of 5 checkout pods: 15,120 calls refused',
    );
    scene.pass(QUIET_MS);
    expect(scene.sentence).toBe(
      'payments was refused by 3 of 5 checkout pods for 6 min, until 1 min ago: 15,120 calls refused',
    );
  });

  it('waits for a call that tests it where none was let through, and says so', () => {
    const scene = new Scene();
    scene.open('a');
    scene.pass(59_000);
    scene.say('a', { state: 'half-open', transitions: ['open>half-open:open-duration-over'] });
    expect(scene.sentence).toBe(
      'payments has been down for 59 s on the only checkout pod and waits for a call to test it',
    );
    scene.say('a', { state: 'half-open', counted: { succeeded: 1 } });
    scene.pass(2_000);
    expect(scene.sentence).toBe('payments has been down for 1 min on the only checkout pod and is being tested now');
  });

  it('does not say that no call was refused where the latest report is old', () => {
    const scene = new Scene();
    scene.open('a');
    scene.pass(9_000);
    expect(scene.sentence).toBe(
      'payments is refused by the only checkout pod for 9 s: how many calls were refused is not known yet (last report 9 s ago)',
    );
    scene.say('a', { state: 'open', counted: { rejected: 7 } });
    scene.pass(20_000);
    expect(scene.sentence).toMatch(/: 7 calls refused until the last report 20 s ago$/);
    scene.say('a', { state: 'open' });
    expect(scene.sentence).toMatch(/: no call is refused at the moment$/);
  });

  it('names who holds it open, or closed, now, and stays one outage', () => {
    const scene = new Scene();
    const override = {
      ...{ uid: 'o1', namespace: 'shop', name: 'quiet', breakers: ['payments'], by: 'local' },
      ...{ reason: 'the partner asked', at: 1_180_000, until: 1_424_000 },
    };
    scene.say('a');
    scene.open('a');
    for (let i = 0; i < 9; i += 1) {
      scene.pass(20_000);
      scene.say('a', { state: 'open' });
    }
    scene.fleet.outages.setOverrides([{ ...override, action: 'ForceOpen' }]);
    scene.say('a', { state: 'open', transitions: ['open>open:forced-open'] });
    scene.pass(4_000);
    scene.say('a', { state: 'open' });
    expect(scene.sentence).toBe(
      'payments is forced open by local for 4 s (the partner asked), ends in 4 min: refused by the only checkout pod, no call was refused yet; the outage has lasted for 3 min',
    );
    expect(scene.row.held).toEqual({
      ...{ uid: 'o1', name: 'quiet', action: 'ForceOpen', by: 'local', reason: 'the partner asked' },
      ...{ at: 1_180_000, until: 1_424_000, partly: false },
    });
    scene.fleet.outages.setOverrides([{ ...override, action: 'ForceClosed' }]);
    scene.say('a', { transitions: ['open>closed:forced-closed'] });
    expect(scene.sentence).toBe(
      'payments is forced closed by local for 4 s (the partner asked), ends in 4 min; before, it was refused by the only checkout pod for 3 min: 0 calls refused',
    );
    scene.fleet.outages.setOverrides([]);
    expect(scene.row.held).toBeUndefined();
    scene.pass(QUIET_MS);
    expect(scene.row).toMatchObject({ phase: 'over', reason: 'failure-rate' });
  });

  it('does not call a breaker down that was forced open and released', () => {
    const scene = new Scene();
    scene.say('a');
    scene.say('a', { state: 'open', transitions: ['closed>open:forced-open'], counted: { rejected: 8 } });
    scene.pass(2_000);
    expect(scene.sentence).toBe(
      'payments is forced open on the only checkout pod for 2 s: 48 calls/min fail without a fallback',
    );
    scene.pass(38_000);
    scene.say('a', { state: 'half-open', transitions: ['open>half-open:force-over'] });
    scene.pass(12_000);
    expect(scene.sentence).toBe(
      'payments is no longer forced open on the only checkout pod and waits for a call to test it',
    );
    scene.say('a', { transitions: ['half-open>closed:probe-succeeded'] });
    scene.pass(5_000);
    expect(scene.sentence).toBe(
      'payments is accepted again since 5 s; it was forced open on the only checkout pod 57 s ago: 8 calls refused',
    );
    scene.fleet.outages.setOverrides([
      {
        ...{ uid: 'o', namespace: 'shop', name: 'o', breakers: ['*'], action: 'ForceClosed' },
        ...{ at: 1_050_000, until: 1_117_000 },
      },
    ]);
    expect(scene.sentence).toBe(
      'payments is forced closed for 7 s, ends in 1 min; before, it was forced open on the only checkout pod 57 s ago: 8 calls refused',
    );
    scene.pass(QUIET_MS);
    expect(scene.sentence).toBe(
      'payments was forced open on the only checkout pod 1 min ago, and accepted again 1 min ago: 8 calls refused',
    );
  });

  it.each([
    ['a probe fails after it', 'half-open', 'half-open>open:probe-failed'],
    ['it closed and opened again soon', 'closed', 'closed>open:failure-rate'],
  ] as const)(
    'is another one than the override before it, with its own begin and cause, where %s',
    (_, state, opens) => {
      const scene = new Scene();
      scene.say('b', {}, 'cart');
      scene.say('a', { state: 'open', transitions: ['closed>open:forced-open'], counted: { rejected: 8 } });
      scene.pass(30_000);
      scene.say('a', { state, transitions: [`open>${state}:force-over`] });
      scene.pass(2_000);
      const lastError = { name: 'ECONNREFUSED', message: 'connect ECONNREFUSED' };
      scene.say('a', { state: 'open', transitions: [opens], lastError, counted: { failed: 1 } });
      scene.pass(3_000);
      const [forced, outage, ...others] = scene.rows;
      expect(others).toEqual([]);
      expect(forced).toMatchObject({ phase: 'over', began: 1_000_000, reason: 'forced-open', refused: 8 });
      expect(forced!.closed).toBe(state === 'closed' ? 1_030_000 : 1_032_000);
      expect(outage).toMatchObject({ phase: 'refused', began: 1_032_000, refused: 0, hit: 1, agents: 2, reopened: 0 });
      expect(outage).toMatchObject({ reason: opens.split(':')[1], error: 'ECONNREFUSED: connect ECONNREFUSED' });
    },
  );

  it('is over where somebody forces the breaker open after it, which is no outage of the dependency', () => {
    const scene = new Scene();
    scene.open('a');
    scene.pass(30_000);
    scene.say('a', { transitions: ['open>closed:probe-succeeded'] });
    scene.pass(20_000);
    scene.say('a', { state: 'open', transitions: ['closed>open:forced-open'] });
    scene.pass(8_000);
    scene.say('a', { state: 'half-open', transitions: ['open>half-open:force-over'] });
    const [outage, forced, ...others] = scene.rows;
    expect(others).toEqual([]);
    expect(outage).toMatchObject({ phase: 'over', reason: 'failure-rate', closed: 1_030_000 });
    expect(forced).toMatchObject({ phase: 'testing', reason: 'forced-open', began: 1_050_000 });
  });

  it('continues where it is forced open, and where agents that are forced open open too', () => {
    const scene = new Scene();
    scene.say('a', { state: 'open', transitions: ['closed>open:forced-open'] }, 'checkout', { app: 'checkout' });
    scene.pass(10_000);
    scene.say('b', { state: 'open', transitions: ['closed>open:failure-rate'] }, 'cart', { app: 'cart' });
    scene.say('b', { state: 'open', transitions: ['open>open:forced-open'] }, 'cart', { app: 'cart' });
    const select = { selector: { matchLabels: { app: 'checkout' } } };
    scene.fleet.outages.setOverrides([
      {
        ...{ uid: 'o', namespace: 'shop', name: 'o', breakers: ['*'], action: 'ForceOpen', ...select },
        ...{ at: 1_000_000, until: 1_060_000 },
      },
    ]);
    const [, outage, ...others] = scene.rows;
    expect(others).toEqual([]);
    expect(outage).toMatchObject({ reason: 'failure-rate', began: 1_010_000, hit: 2, held: { partly: true } });
  });

  it('says where an override is for only some of the agents that opened', () => {
    const scene = new Scene();
    scene.say('a', { state: 'open', transitions: ['closed>open:failure-rate'] }, 'checkout', { app: 'checkout' });
    scene.say('b', { state: 'open', transitions: ['closed>open:failure-rate'] }, 'search', { app: 'search' });
    scene.fleet.outages.setOverrides([
      {
        ...{ uid: 'o', namespace: 'shop', name: 'o', breakers: ['*'], action: 'ForceOpen', at: 1_000_000 },
        ...{ until: 1_060_000, selector: { matchLabels: { app: 'search' } } },
      },
    ]);
    expect(scene.sentence).toBe(
      'payments is refused by all 2 pods of checkout and search for 0 s: no call was refused yet; forced open on selected agents for 0 s, ends in 1 min',
    );
  });

  it('spreads a report over the time since the one before in the plot, keeps its levels where no report arrived, and says which slots one covers', () => {
    const scene = new Scene();
    scene.open('a');
    scene.pass(10_000);
    scene.say('a', { state: 'open', counted: { rejected: 4 } });
    const { series } = [...scene.fleet.outages.list()][0]!;
    series.advance(scene.now + 4_000);
    const values = series.read();
    const open = values.filter((_, i) => SERIES_COLUMNS[i % SERIES_COLUMNS.length] === 'open');
    expect(open.slice(29)).toEqual([0, 1, 1, 1, 1, 1, 1, 1, 1]);
    const rejected = values.filter((_, i) => SERIES_COLUMNS[i % SERIES_COLUMNS.length] === 'rejected');
    expect(rejected.slice(29)).toEqual([0, 0, 1, 1, 0, 1, 1, 0, 0]);
    expect(series.reported.slice(29)).toEqual([0, 1, 1, 1, 1, 1, 1, 0, 0]);
    scene.say('a', { transitions: ['open>closed:probe-succeeded'] });
    series.advance(scene.now + 400_000);
    expect(series.slotMs).toBe(4_000);
    expect(
      series
        .read()
        .filter((_, i) => SERIES_COLUMNS[i % SERIES_COLUMNS.length] === 'open')
        .at(-1),
    ).toBe(0);
    expect(series.reported).toHaveLength(series.length);
    expect(series.reported.slice(14, 19)).toEqual([0, 1, 1, 1, 0]);
  });

  it('is none in mode Shadow, which refuses nothing', () => {
    const scene = new Scene();
    scene.say('a', { state: 'open', shadow: true, transitions: ['closed>open:failure-rate'] });
    expect(scene.rows).toEqual([]);
  });

  it('begins when the state was entered, where the agent opened before this replica knew it', () => {
    const scene = new Scene();
    scene.say('a', { state: 'open', since: 90_000 });
    expect(scene.row).toMatchObject({ began: 910_000, instance: 'pod-a' });
    expect(scene.row.reason).toBeUndefined();
  });

  it('ends when the agents that were refused are gone', () => {
    const scene = new Scene();
    scene.open('a');
    scene.pass(GONE_AFTER_MS);
    expect(scene.row).toMatchObject({ phase: 'over', closed: 1_000_000 });
  });

  it('is seen where a circuit opened and closed between two reports', () => {
    const scene = new Scene();
    scene.say('a', { transitions: ['closed>open:failure-rate', 'open>closed:manual-reset'] });
    scene.pass(1_000);
    scene.say('a');
    scene.pass(QUIET_MS);
    expect(scene.row).toMatchObject({ began: 1_000_000, phase: 'over' });
  });

  it('remembers who overrode the breaker, once each', () => {
    const scene = new Scene();
    const override = {
      uid: 'o1',
      namespace: 'shop',
      name: 'quiet',
      until: 2_000_000,
      at: 5,
      action: 'ForceOpen',
      reason: 'told so',
      by: 'ann',
    } as const;
    scene.open('a');
    scene.fleet.outages.setOverrides([
      { ...override, breakers: ['pay*'] },
      { ...override, uid: 'o2', breakers: ['search'] },
      { ...override, uid: 'o3', namespace: 'billing', breakers: ['*'] },
    ]);
    scene.fleet.outages.setOverrides([{ ...override, breakers: ['pay*'] }]);
    scene.fleet.outages.setOverrides([]);
    expect(scene.row.actions).toEqual([{ uid: 'o1', at: 5, action: 'ForceOpen', reason: 'told so', by: 'ann' }]);
  });

  it('remembers an override only if it selects an agent whose circuit opened, also one that opens later', () => {
    const scene = new Scene();
    const told: Told = { state: 'open', transitions: ['closed>open:failure-rate'] };
    const select = (uid: string, app: string) => ({
      ...{ uid, namespace: 'shop', name: uid, until: 2_000_000, at: 5 },
      ...{ action: 'ForceOpen' as const, breakers: ['payments'] },
      selector: { matchLabels: { app } },
    });
    scene.say('a', told, 'checkout', { app: 'checkout' });
    scene.say('b', {}, 'search', { app: 'search' });
    scene.fleet.outages.setOverrides([select('o1', 'checkout'), select('o2', 'search')]);
    expect(scene.row.actions.map(({ uid }) => uid)).toEqual(['o1']);
    scene.say('b', told, 'search', { app: 'search' });
    expect(scene.row.actions.map(({ uid }) => uid)).toEqual(['o1', 'o2']);
  });

  it('has a plot that begins a minute before, and keeps its size for a day', () => {
    const scene = new Scene();
    scene.say('a', { counted: { succeeded: 9 } });
    scene.pass(10_000);
    scene.open('a');
    const { series } = [...scene.fleet.outages.list()][0]!;
    const sums = () => {
      const values = series.read();
      return SERIES_COLUMNS.map((_, column) => values.filter((_, i) => i % SERIES_COLUMNS.length === column));
    };
    expect(sums()[0]!.indexOf(9)).toBe(25);
    for (let hour = 0; hour < 24; hour += 1) {
      for (let minute = 0; minute < 60; minute += 1) {
        scene.now += 60_000;
        scene.say('a', { state: 'open', counted: { rejected: 10 } });
      }
    }
    const [, , , rejected, , open] = sums();
    expect(rejected!.length).toBeLessThanOrEqual(SERIES_SLOTS);
    expect(rejected!.reduce((sum, count) => sum + count)).toBe(24 * 60 * 10);
    expect(Math.max(...open!)).toBe(1);
    expect(series.slotMs * series.length).toBeGreaterThanOrEqual(24 * 3_600_000);
  });
});

describe('an outage over a restart of the operator', () => {
  const LAST_ERROR = { name: 'ECONNREFUSED', message: 'connect ECONNREFUSED' };

  /** Refused by one of two pods for 10 s, then the operator is killed. */
  const begin = () => {
    const scene = new Scene();
    scene.say('b', { counted: { succeeded: 9 } });
    scene.say('a', {
      ...{ state: 'open', transitions: ['closed>open:consecutive-failures'], lastError: LAST_ERROR },
      counted: { rejected: 7, fallback: 7 },
    });
    scene.pass(10_000);
    scene.say('a', { state: 'open', counted: { rejected: 23, fallback: 23 } });
    scene.save();
    return scene;
  };

  it('is the same one, with its cause, its cost and its plot, and continues when an agent reports the circuit open', () => {
    const scene = begin();
    const before = scene.row;
    scene.restart(20_000);
    const { refusedPerSecond, fallbackPerSecond, callsPerSecond, ...kept } = before;
    expect(scene.row).toMatchObject(kept);
    expect(scene.row).toMatchObject({
      phase: 'refused',
      hit: 1,
      agents: 2,
      error: 'ECONNREFUSED: connect ECONNREFUSED',
    });
    expect(scene.sentence).toBe(
      'payments is refused by 1 of 2 checkout pods for 30 s: 30 calls refused until the last report 20 s ago',
    );
    scene.pass(5_000);
    scene.say('b');
    scene.say('a', { state: 'open', since: 35_000, counted: { rejected: 12 } });
    expect(scene.row).toMatchObject({ id: before.id, began: 1_000_000, phase: 'refused', refused: 42, hit: 1 });
    const { series } = [...scene.fleet.outages.list()][0]!;
    const rejected = series.read().filter((_, i) => SERIES_COLUMNS[i % SERIES_COLUMNS.length] === 'rejected');
    expect(rejected.reduce((sum, count) => sum + count)).toBe(42);
    expect(scene.date(series.begin)).toBe(940_000);
    scene.say('a', { state: 'half-open', transitions: ['open>half-open:open-duration-over'] });
    scene.say('a', { transitions: ['half-open>closed:probe-succeeded'] });
    scene.pass(QUIET_MS);
    expect(scene.row).toMatchObject({ phase: 'over', closed: 1_035_000, attempts: 1 });
    expect(scene.fleet.outages.begun).toBe(0);
  });

  it('continues where a probe failed in the meantime, however long that took', () => {
    const scene = begin();
    scene.restart(600_000);
    scene.say('a', { state: 'open', since: 100, transitions: ['half-open>open:probe-failed'] });
    expect(scene.row).toMatchObject({ began: 1_000_000, phase: 'refused', reopened: 1 });
  });

  it('ended with the latest report where no agent reports its circuit open for a minute', () => {
    const scene = begin();
    scene.restart(20_000);
    scene.say('a');
    scene.say('b');
    scene.pass(QUIET_MS - 1);
    expect(scene.row.phase).toBe('refused');
    scene.pass(1);
    expect(scene.row).toMatchObject({ phase: 'over', closed: 1_010_000 });
  });

  it('ended when its last circuit closed, where an agent says when', () => {
    const scene = begin();
    scene.restart(20_000);
    scene.pass(2_000);
    scene.say('a', { transitions: ['open>closed:probe-succeeded'] });
    scene.pass(QUIET_MS);
    expect(scene.row).toMatchObject({ phase: 'over', closed: 1_032_000 });
  });

  it('is another one where the circuit was closed and opened again long after', () => {
    const scene = begin();
    scene.restart(600_000);
    scene.open('a', 'slow-call-rate');
    expect(scene.rows.map(({ phase, reason, closed }) => [phase, reason, closed])).toEqual([
      ['over', 'consecutive-failures', 1_010_000],
      ['refused', 'slow-call-rate', undefined],
    ]);
  });

  it('continues where it had just closed, and opens again within a minute', () => {
    const scene = begin();
    scene.say('a', { transitions: ['open>closed:probe-succeeded'] });
    scene.save();
    scene.restart(30_000);
    expect(scene.row.phase).toBe('closed');
    scene.open('a');
    expect(scene.row).toMatchObject({ began: 1_000_000, phase: 'refused' });
  });

  it('stays for a day after its end, and is then removed from what is saved', () => {
    const scene = begin();
    scene.say('a', { transitions: ['open>closed:probe-succeeded'] });
    scene.pass(QUIET_MS);
    scene.save();
    const before = scene.row;
    scene.restart(3_600_000);
    expect(scene.row).toEqual(before);
    scene.pass(KEPT_MS);
    expect(scene.rows).toEqual([]);
    scene.save();
    expect([...scene.saved]).toEqual([]);
  });

  it('is saved when it changed, not more often than asked for, and now and then while it lasts', () => {
    const scene = begin();
    const heard = () => [...scene.saved.values()][0]!.heard;
    scene.pass(2_000);
    scene.say('a', { state: 'open', counted: { rejected: 1 } });
    scene.save({ intervalMs: 5_000 });
    expect(heard()).toBe(1_010_000);
    scene.pass(3_000);
    scene.save({ intervalMs: 5_000 });
    expect(heard()).toBe(1_012_000);
    scene.saved.clear();
    scene.pass(29_999);
    scene.save();
    expect(scene.saved.size).toBe(0);
    scene.pass(1);
    scene.save();
    expect(scene.saved.size).toBe(1);
  });
});

describe('all outages', () => {
  const subject = (namespace: string, breaker: string) => ({
    ...{ id: `${namespace}/${breaker}`, namespace, uid: '', breaker, agents: 1, heardAt: 0 },
    states: { open: 1, halfOpen: 0 },
    services: new Map([['s', { agents: 1, notClosed: 1 }]]),
    counted: { read: () => [] } as never,
  });
  const closed = (namespace: string, breaker: string) => ({
    ...subject(namespace, breaker),
    services: new Map([['s', { agents: 1, notClosed: 0 }]]),
  });

  it('have different ids, also when they begin in the same second', () => {
    const outages = new Outages();
    const opening = { at: 7_000, instance: 'i', labels: {} };
    outages.opened(subject('shop', 'a'), opening);
    outages.opened({ ...subject('shop', 'a'), id: 'shop/p1/a', uid: 'p1' }, opening);
    outages.opened({ ...subject('shop', 'a'), id: 'shop/p2/a', uid: 'p2' }, opening);
    outages.opened({ ...subject('shop', 'a'), id: 'shop/again/a' }, opening);
    const ids = [...outages.list('shop')].map(({ id }) => id);
    expect(ids[0]).toBe('7-a');
    expect(ids[3]).toBe('7-a-2');
    expect(new Set(ids).size).toBe(4);
  });

  it('are kept for a day after their end', () => {
    const outages = new Outages();
    outages.opened(subject('shop', 'a'), { at: 0, instance: 'i', labels: {} });
    outages.observe(closed('shop', 'a'), 1_000);
    outages.sweep(1_000 + QUIET_MS);
    outages.sweep(1_000 + KEPT_MS - 1);
    expect([...outages.list()]).toHaveLength(1);
    outages.sweep(1_000 + KEPT_MS);
    expect([...outages.list()]).toEqual([]);
  });

  it('are bounded, in all and for one namespace; what ended first makes room, and what lasts never does', () => {
    const outages = new Outages();
    const names = (namespace: string) => [...outages.list(namespace)].map(({ breaker }: Outage) => breaker);
    for (let i = 0; i < MAX_OUTAGES_OF_NAMESPACE; i += 1) {
      outages.opened(subject('shop', `b${i}`), { at: i, instance: 'i', labels: {} });
    }
    outages.opened(subject('shop', 'late'), { at: 9_000, instance: 'i', labels: {} });
    expect(names('shop')).not.toContain('late');
    outages.observe(closed('shop', 'b7'), 10_000);
    outages.observe(closed('shop', 'b5'), 20_000);
    outages.sweep(20_000 + QUIET_MS);
    outages.opened(subject('shop', 'later'), { at: 90_000, instance: 'i', labels: {} });
    expect(names('shop')).toContain('later');
    expect(names('shop')).not.toContain('b7');
    expect(names('shop')).toContain('b5');
    for (let i = 0; i < MAX_OUTAGES; i += 1)
      outages.opened(subject(`n${i % 4}`, `b${i}`), { at: i, instance: 'i', labels: {} });
    const size = [...outages.list()].length;
    expect(size).toBeLessThan(MAX_OUTAGES);
    expect(size).toBeGreaterThan(0.95 * MAX_OUTAGES);
    outages.opened(subject('bank', 'first'), { at: 0, instance: 'i', labels: {} });
    expect(names('bank')).toEqual(['first']);
  });

  it('of a namespace stay, however many short ones others have', () => {
    const outages = new Outages();
    const endAll = (namespace: string, count: number, at: number) => {
      for (let i = 0; i < count; i += 1) {
        outages.opened(subject(namespace, `b${i}`), { at: at + i, instance: 'i', labels: {} });
        outages.observe(closed(namespace, `b${i}`), at + i);
      }
      outages.sweep(at + count + QUIET_MS);
    };
    endAll('shop', 5, 0);
    for (let round = 1; round <= 3; round += 1) {
      for (const namespace of ['bank', 'evil', 'noise']) {
        endAll(namespace, MAX_OUTAGES_OF_NAMESPACE, round * 1_000_000);
      }
    }
    expect([...outages.list('shop')]).toHaveLength(5);
    endAll('late', 3, 9_000_000);
    expect([...outages.list('late')]).toHaveLength(3);
    expect([...outages.list()].length).toBeLessThanOrEqual(MAX_OUTAGES);
  });

  it('of the largest namespace make room for one that has none, where every namespace has its share', () => {
    const outages = new Outages();
    for (let i = 0; i < MAX_OUTAGES + 10; i += 1) {
      const namespace = i < 20 ? 'large' : `n${i}`;
      outages.opened(subject(namespace, `b${i}`), { at: i, instance: 'i', labels: {} });
      outages.observe(closed(namespace, `b${i}`), i);
      outages.sweep(i + QUIET_MS);
    }
    expect([...outages.list()]).toHaveLength(MAX_OUTAGES);
    expect([...outages.list('large')]).toHaveLength(10);
    expect([...outages.list('n2009')]).toHaveLength(1);
  });

  it('are saved a few at a time, and restored up to the limits, those that ended last first', () => {
    const outages = new Outages();
    for (let i = 0; i < MAX_OUTAGES_OF_NAMESPACE; i += 1) {
      outages.opened(subject('shop', `b${i}`), { at: i, instance: 'i', labels: {} });
      outages.observe(closed('shop', `b${i}`), 1_000 + i);
    }
    outages.sweep(10_000 + QUIET_MS);
    const saved: SavedOutage[] = [];
    for (;;) {
      const { changed, removed } = outages.drainChanges(80_000, { max: 20, intervalMs: 5_000 });
      expect(changed.length).toBeLessThanOrEqual(20);
      expect(removed).toEqual([]);
      saved.push(...changed);
      if (changed.length === 0) break;
    }
    expect(new Set(saved.map(({ id }) => id)).size).toBe(MAX_OUTAGES_OF_NAMESPACE);
    const later = { ...saved[0]!, id: 'later', began: 70_000, closed: 75_000 };
    const restored = new Outages();
    restored.restore([...saved, later], 0);
    expect([...restored.list()]).toHaveLength(MAX_OUTAGES_OF_NAMESPACE);
    expect([...restored.list('shop')].map(({ id }) => id)).toContain('later');
    expect(restored.drainChanges(0, { max: 20, intervalMs: 0 }).removed).toEqual([
      { namespace: 'shop', id: saved.find(({ breaker }) => breaker === 'b0')!.id },
    ]);
  });
});

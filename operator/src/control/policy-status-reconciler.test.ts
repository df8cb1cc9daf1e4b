import type { PolicyStatus, Report } from '@fuseboard/schema';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { policy } from '../../test/memory-source.ts';
import { ReconcilerScene } from '../../test/reconciler-scene.ts';
import type { PolicyCounts } from '../core/fleet/fleet.ts';
import { conditionOf } from '../core/policy/condition.ts';
import type { Policy } from '../core/policy/policy.ts';
import { PolicyStatusReconciler } from './policy-status-reconciler.ts';

let scene: ReconcilerScene<Policy>;
let reconciler: PolicyStatusReconciler;

function begin(next: ReconcilerScene<Policy>): void {
  scene = next;
  scene.aggregates.onHeartbeats([], scene.now);
  reconciler = new PolicyStatusReconciler(scene.options());
}

beforeEach(() => begin(new ReconcilerScene()));

const events = () => scene.events.map(({ type, reason }) => `${type} ${reason}`);

function set(...policies: Policy[]): void {
  const { added, changed, removed } = scene.snapshots.update(policies);
  for (const one of [...added, ...changed]) reconciler.onPolicyChanged(one);
  for (const one of removed) reconciler.forget(one);
  for (const agent of scene.fleet.agents('default'))
    scene.fleet.setTarget(agent, scene.snapshots.snapshot('default', {}), 0);
  decide();
}

function decide(): void {
  reconciler.touch(
    'default',
    scene.snapshots.policies('default').map(({ policy: { uid } }) => uid),
  );
  reconciler.reconcile();
}

/** An agent opens a stream, gets what there is and says so. */
function join(boot: string, over: Partial<Report> = {}): void {
  const { revision } = scene.snapshots.snapshot('default', {});
  const receipt = scene.report('default', boot, { revision, ...over });
  if (receipt.kind === 'accepted') reconciler.onReport('default', `pod-${boot}`, receipt);
  decide();
}

const statusOf = (uid: string) => reconciler.status(scene.snapshots.policy('default', uid)!.policy);
const last = (type: 'Accepted' | 'Programmed') => conditionOf(scene.written.at(-1), type)?.reason;

it('writes a status only when it says something else', () => {
  set(policy('a'));
  expect(scene.written).toHaveLength(1);
  scene.now = 5_000;
  decide();
  expect(scene.written).toHaveLength(1);
  join('x');
  expect(scene.written).toHaveLength(2);
  expect(last('Programmed')).toBe('Programmed');
});

it('passes each status computed here to the sink again within 30 calls, and none while another replica leads', () => {
  const names = Array.from({ length: 45 }, (_, i) => `p${i}`);
  set(...names.map((name) => policy(name)));
  const first = [...scene.written];
  expect(first).toHaveLength(45);
  scene.written = [];
  scene.leading = false;
  for (let i = 0; i < 30; i += 1) reconciler.rewrite();
  expect(scene.written).toEqual([]);
  scene.leading = true;
  for (let i = 0; i < 23; i += 1) reconciler.rewrite();
  expect(scene.written).toEqual(first);
});

it('counts no agents of another namespace for a policy', () => {
  set(policy('a'));
  join('x');
  expect(last('Programmed')).toBe('Programmed');
  const { uid } = policy('a');
  const before = reconciler.counts(uid);
  expect(before?.agents.matched).toBe(1);
  reconciler.touch('elsewhere', [uid]);
  reconciler.reconcile();
  expect(reconciler.counts(uid)).toEqual(before);
  expect(last('Programmed')).toBe('Programmed');
});

it('tells of each decision once, as an Event', () => {
  set(policy('a'));
  join('x');
  decide();
  expect(events()).toEqual(['Normal Accepted', 'Normal Programmed']);
  set(policy('a', { generation: 2, problems: [{ field: 'spec', message: 'is wrong' }] }));
  set(policy('a', { generation: 3, problems: [{ field: 'spec', message: 'is still wrong' }] }));
  decide();
  expect(events().slice(2)).toEqual(['Warning Invalid', 'Warning Invalid']);
});

it('tells the sink to forget a policy that is gone', () => {
  set(policy('a'), policy('b'));
  set(policy('b'));
  expect(scene.forgotten).toEqual(['a']);
});

it('names a rejection by an agent and a conflict', () => {
  set(policy('a'), policy('b', { createdAt: 1, spec: { breakers: ['a'] } }));
  expect(events()).toEqual(['Normal Accepted', 'Warning Conflicted']);
  join('x', { rejections: [{ uid: 'uid-a', generation: 1, field: 'spec.trip', message: 'unknown' }] });
  expect(events().at(-1)).toBe('Warning Rejected');
  expect(statusOf('uid-a')?.rejections).toEqual([{ agent: 'pod-x', field: 'spec.trip', message: 'unknown' }]);
});

it('starts again when a spec changes under the same generation', () => {
  set(policy('a', { generation: 0 }));
  join('x');
  expect(last('Programmed')).toBe('Programmed');
  set(policy('a', { generation: 0, spec: { breakers: ['a'], mode: 'Shadow' } }));
  expect(last('Programmed')).toBe('Pending');
  join('x');
  expect(last('Programmed')).toBe('Programmed');
});

describe('after a restart', () => {
  let status: PolicyStatus;

  beforeEach(() => {
    set(policy('a'));
    join('x');
    join('y');
    status = scene.written.at(-1)!;
    expect(status.agents!.summary).toBe('2/2');
    begin(ReconcilerScene.restarted(scene));
  });

  it('leaves the written status alone until as many agents have answered', () => {
    set(policy('a', { status }));
    join('x');
    expect(scene.written).toEqual([]);
    expect(statusOf('uid-a')).toBe(status);
    join('y');
    expect(scene.written).toEqual([]);
    expect(events()).toEqual([]);
    expect(statusOf('uid-a')).toEqual(status);
  });

  it('writes the counted agents after 30 s, and Programmed stays', () => {
    set(policy('a', { status }));
    scene.now = 30_000;
    join('x');
    expect(scene.written.at(-1)!.agents!.summary).toBe('1/1');
    expect(last('Programmed')).toBe('Programmed');
    expect(events()).toEqual([]);
  });

  it('does not call a new generation programmed because the first of many agents has it', () => {
    set(policy('a', { status, generation: 2 }));
    join('x');
    expect(last('Programmed')).toBe('Pending');
    join('y');
    expect(last('Programmed')).toBe('Programmed');
  });

  it('says at once that a spec cannot be used', () => {
    set(policy('a', { status, problems: [{ field: 'spec', message: 'is wrong' }] }));
    expect(last('Accepted')).toBe('Invalid');
  });

  it('does not hand the status on to a policy that was created again under the name', () => {
    set(policy('a', { status }));
    set(policy('a', { uid: 'again' }));
    expect(last('Programmed')).not.toBe('Programmed');
  });
});

it('recomputes policies with a status that changes with time', () => {
  set(policy('a'));
  expect(reconciler.timeDependent().size).toBe(0);
  join('x', { revision: 'older' });
  expect(last('Programmed')).toBe('Pending');
  expect(reconciler.timeDependent()).toEqual(new Map([['default', ['uid-a']]]));
  scene.now = 10_000;
  decide();
  expect(last('Programmed')).toBe('PartiallyProgrammed');
  expect(reconciler.timeDependent().size).toBe(0);
});

describe('beside another replica', () => {
  const NO_BREAKERS = { closed: 0, open: 0, halfOpen: 0, shadowOpen: 0 };

  /** The other replica says what its agents make of the newest version. */
  function elsewhere(matched: number, applied: number, over: Partial<PolicyCounts> = {}): void {
    const { digest, generation } = scene.snapshots.policy('default', 'uid-a')!.entry;
    const agents = { matched, applied, rejected: 0, stale: 0 };
    const counts = {
      agents,
      breakers: NO_BREAKERS,
      fallback: { optedIn: 0, unused: 0 },
      open: [],
      rejections: [],
      ...over,
    };
    const rows = [{ uid: 'uid-a', generation, digest, counts }];
    for (const change of scene.aggregates.setShards([{ replica: 'b', boot: 'x', sequence: 1, rows }], scene.now)) {
      reconciler.onReplicaReport(change);
    }
    decide();
  }
  const appear = () => scene.aggregates.onHeartbeats([{ replica: 'b', boot: 'x', version: '1' }], scene.now);

  it('writes what both count, and waits until both have spoken of the spec', () => {
    appear();
    set(policy('a'));
    join('x');
    expect(scene.written.at(-1)!.agents!.summary).toBe('1/1');
    expect(last('Programmed')).toBe('Pending');
    elsewhere(2, 1);
    expect(scene.written.at(-1)!.agents!.summary).toBe('2/3');
    elsewhere(2, 2);
    expect(last('Programmed')).toBe('Programmed');
  });

  it('writes and tells nothing while the other one leads, and publishes what it counts', () => {
    scene.leading = false;
    set(policy('a'));
    join('x');
    expect(scene.written).toEqual([]);
    expect(events()).toEqual([]);
    expect(scene.published.length).toBeGreaterThan(0);
    expect(reconciler.counts('uid-a')!.agents).toEqual({ matched: 1, applied: 1, rejected: 0, stale: 0 });
  });

  it('continues from what the former leader wrote when it leads', () => {
    set(policy('a'));
    join('x');
    const status = scene.written.at(-1)!;
    begin(ReconcilerScene.restarted(scene));
    scene.leading = false;
    set(policy('a', { status }));
    expect(statusOf('uid-a')).toBe(status);
    scene.now = 60_000;
    scene.leading = true;
    reconciler.onElected();
    join('y', { revision: 'older' });
    expect(last('Programmed')).toBe('Programmed');
    expect(scene.written.at(-1)!.agents!.summary).toBe('0/1');
    expect(events()).toEqual([]);
  });

  it('takes the written status, not its own of an earlier term, when it leads again', () => {
    set(policy('a'));
    expect(last('Programmed')).toBe('NoAgents');
    scene.leading = false;
    const status = {
      ...scene.written.at(-1)!,
      agents: { matched: 9, applied: 9, rejected: 0, stale: 0, summary: '9/9' },
    };
    set(policy('a', { status }));
    scene.leading = true;
    reconciler.onElected();
    decide();
    expect(statusOf('uid-a')).toBe(status);
  });

  it('leaves the status alone when the other one left, until its agents are back', () => {
    appear();
    set(policy('a'));
    join('x');
    elsewhere(1, 1);
    expect(scene.written.at(-1)!.agents!.summary).toBe('2/2');
    const writes = scene.written.length;
    scene.aggregates.onHeartbeats([], scene.now);
    reconciler.beginGracePeriod();
    decide();
    expect(scene.written).toHaveLength(writes);
    set(policy('a', { generation: 2 }));
    join('x');
    expect(last('Programmed')).toBe('Pending');
    join('y');
    expect(last('Programmed')).toBe('Programmed');
  });

  it('counts agents of a replica that left for 30 s, and drops those that did not come back', () => {
    appear();
    set(policy('a'));
    join('x');
    elsewhere(1, 1);
    scene.aggregates.onHeartbeats([], scene.now);
    reconciler.beginGracePeriod();
    scene.now = 29_999;
    join('x');
    expect(scene.written.at(-1)!.agents!.summary).toBe('2/2');
    scene.now = 30_000;
    expect(reconciler.timeDependent().get('default')).toEqual(['uid-a']);
    decide();
    expect(scene.written.at(-1)!.agents!.summary).toBe('1/1');
  });

  it('tells of breakers that open and close there', () => {
    appear();
    set(policy('a'));
    elsewhere(1, 1, { breakers: { ...NO_BREAKERS, closed: 1 } });
    scene.events = [];
    elsewhere(1, 1, { breakers: { ...NO_BREAKERS, open: 1 }, open: ['a on pod-9'] });
    elsewhere(1, 1, { breakers: { ...NO_BREAKERS, halfOpen: 1 } });
    expect(events()).toEqual(['Warning BreakerOpened', 'Warning OutageBegan']);
    elsewhere(1, 1, { breakers: { ...NO_BREAKERS, closed: 1 } });
    expect(events().slice(2)).toEqual(['Normal BreakerClosed']);
    expect(scene.written.at(-1)!.outage).toMatchObject({
      first: 'a on pod-9',
      mostOpen: 1,
      endTime: expect.any(String),
    });
  });

  describe('an outage', () => {
    const open = () => elsewhere(1, 1, { breakers: { ...NO_BREAKERS, open: 1 }, open: ['a on pod-9'] });
    const close = () => elsewhere(1, 1, { breakers: { ...NO_BREAKERS, closed: 1 } });
    const outageEvents = () => events().filter((event) => event.includes('Outage'));
    const pass = (seconds: number) => {
      for (let second = 0; second < seconds; second += 1) {
        scene.now += 1_000;
        reconciler.announceOutagesOver();
      }
    };

    beforeEach(() => {
      appear();
      set(policy('a'));
    });

    it('that is interrupted sends one Event at its beginning and one when it is over', () => {
      for (let flap = 0; flap < 5; flap += 1) {
        open();
        pass(5);
        close();
        pass(30);
      }
      expect(outageEvents()).toEqual(['Warning OutageBegan']);
      pass(29);
      expect(outageEvents()).toEqual(['Warning OutageBegan']);
      pass(600);
      expect(outageEvents()).toEqual(['Warning OutageBegan', 'Normal OutageEnded']);
    });

    it('that is over is announced before the next one begins', () => {
      open();
      close();
      scene.now += 60_000;
      open();
      expect(outageEvents()).toEqual(['Warning OutageBegan', 'Normal OutageEnded', 'Warning OutageBegan']);
    });

    it.each([
      ['before it was over is announced by the next leader', 30, ['Normal OutageEnded']],
      ['after it was over is not announced again', 61, []],
    ])('whose leader left %s', (_what, seconds, expected) => {
      open();
      close();
      pass(seconds);
      const { outage, ...status } = scene.written.at(-1)!;
      begin(ReconcilerScene.restarted(scene));
      appear();
      set(policy('a', { status: { ...status, outage } }));
      pass(120);
      expect(outageEvents()).toEqual(expected);
    });

    it('of a policy that was deleted, or of a replica that no longer leads, sends nothing more', () => {
      open();
      close();
      scene.leading = false;
      pass(120);
      scene.leading = true;
      set();
      pass(120);
      expect(outageEvents()).toEqual(['Warning OutageBegan']);
    });
  });
});

import { beforeEach, describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { policy as named } from '../../test/memory-source.ts';
import type { Snapshot } from '../core/delivery/snapshot.ts';
import { SnapshotCache } from '../core/delivery/snapshot-cache.ts';
import type { Identity } from '../core/fleet/agent-record.ts';
import { Fleet } from '../core/fleet/fleet.ts';
import type { Policy } from '../core/policy/policy.ts';
import type { OverrideUid, PolicyUid, Touched } from '../core/uid.ts';
import { Delivery } from './delivery.ts';

const policy = (uid: string, over: Partial<Policy> = {}) => named(uid, { uid, spec: { breakers: [uid] }, ...over });

let snapshots: SnapshotCache;
let fleet: Fleet;
let delivery: Delivery;
let lines: string[];
let touched: [string, Touched][];

beforeEach(() => {
  snapshots = new SnapshotCache();
  fleet = new Fleet();
  lines = [];
  touched = [];
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line).msg) });
  delivery = new Delivery({ snapshots, fleet, log, clock: { now: () => 0 } });
  delivery.start((...what) => void touched.push(what));
});

const identity = (boot: string): Identity => ({
  namespace: 'default',
  boot,
  service: 's',
  instance: `pod-${boot}`,
  labels: {},
});

/** Connects an agent; what it is offered is in the list. */
function connect(boot: string) {
  const offered: Snapshot[] = [];
  const agent = delivery.connect(identity(boot));
  const subscriber = (next: Snapshot) => void offered.push(next);
  delivery.subscribe(agent, subscriber);
  return { agent, snapshot: agent.target!, offered, subscriber };
}

function update(...policies: Policy[]): Touched {
  snapshots.update(policies);
  return delivery.deliver('default', 0);
}

const uids = ({ policies, overrides }: Touched) => [[...policies].sort(), [...overrides].sort()];

describe('an agent', () => {
  it('gets with its connection what there is, and its policies are counted again', () => {
    snapshots.update([policy('a')]);
    const { agent, snapshot } = connect('x');
    expect([...snapshot.entries.keys()]).toEqual(['a']);
    expect(agent.target).toBe(snapshot);
    expect(touched.map(([namespace, what]) => [namespace, ...uids(what)])).toEqual([['default', ['a'], []]]);
  });

  it('is offered what is new, and nothing that it should run already', () => {
    const { offered } = connect('x');
    expect(uids(update(policy('a'), policy('b')))).toEqual([['a', 'b'], []]);
    expect(uids(update(policy('a'), policy('b', { generation: 2 })))).toEqual([['b'], []]);
    expect(uids(delivery.deliver('default', 0))).toEqual([[], []]);
    expect(uids(update(policy('a')))).toEqual([['b'], []]);
    expect(offered.map(({ entries }) => [...entries.keys()])).toEqual([['a', 'b'], ['a', 'b'], ['a']]);
    expect(lines).toEqual(Array(3).fill('pushed policies'));
  });

  it('is offered nothing on a stream that another one took the place of, or that ended', () => {
    const first = connect('x');
    const second = connect('x');
    delivery.disconnect(first.agent, first.subscriber);
    update(policy('a'));
    delivery.disconnect(second.agent, second.subscriber);
    update(policy('b'));
    expect([first.offered.length, second.offered.length]).toEqual([0, 1]);
  });

  it('keeps what it has where the new is too large to be sent, which is said once for each change', () => {
    const { agent, offered } = connect('x');
    const many = Array.from({ length: 2_002 }, (_, i) => policy(`p${i}`));
    snapshots.update(many.slice(1));
    connect('y');
    delivery.deliver('default', 0);
    expect(offered).toEqual([]);
    expect(agent.target?.entries.size).toBe(0);
    expect(agent.behindSince).toBe(0);
    expect(lines).toEqual([expect.stringMatching(/2001 policies are routed to one agent/)]);
    // An edit elsewhere.
    delivery.setVersions({ policies: '2' }, new Map());
    delivery.deliver('default', 0);
    connect('z');
    expect(lines).toHaveLength(1);
    update(...many);
    expect(lines.slice(1)).toEqual([expect.stringMatching(/2002 policies are routed to one agent/)]);
    update(policy('a'));
    expect(lines.slice(2)).toEqual(['pushed policies']);
    update(...many);
    expect(lines.slice(3)).toEqual([expect.stringMatching(/2002 policies are routed to one agent/)]);
  });
});

it('lets an agent that connects again continue with what it has where the new is too large', () => {
  update(policy('a'));
  connect('x');
  update(...Array.from({ length: 2_001 }, (_, i) => policy(`p${i}`)));
  const again = connect('x');
  expect([...again.snapshot.entries.keys()]).toEqual(['a']);
  expect(connect('new').agent.target).toBeUndefined();
});

it('tells each namespace how new its own snapshots are', () => {
  delivery.setVersions({ policies: '9' }, new Map([['shop', { policies: '7' }]]));
  expect([delivery.versionsOf('shop'), delivery.versionsOf('bank')]).toEqual([{ policies: '7' }, { policies: '9' }]);
});

it('takes no uid of an override for that of a policy', () => {
  const override: OverrideUid = 'o';
  // @ts-expect-error: the two kinds are told apart by the compiler
  const mixed: PolicyUid = override;
  expect(mixed).toBe('o');
});

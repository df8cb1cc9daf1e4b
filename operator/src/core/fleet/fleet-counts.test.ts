import type { Report } from '@fuseboard/schema';
import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { SnapshotCache } from '../delivery/snapshot-cache.ts';
import type { Agent, Identity } from './agent-record.ts';
import { Fleet } from './fleet.ts';

const policies = new SnapshotCache();
const SNAPSHOTS = [1, 2, 3].map((generation) => {
  policies.update(
    ['a', 'b'].map((uid) => ({
      uid,
      namespace: 'shop',
      name: uid,
      generation: uid === 'a' ? generation : 1,
      createdAt: 0,
      spec: { breakers: [uid] },
      problems: [],
    })),
  );
  return policies.snapshot('shop', {});
});

type Step =
  | { do: 'join' | 'leave'; agent: number }
  | { do: 'aim' | 'send'; agent: number; snapshot: number }
  | { do: 'report'; agent: number; snapshot: number; rejects: boolean; part: 1 | 2; parts: 1 | 2; bye: boolean }
  | { do: 'wait'; ms: number };

const agent = fc.nat(3);
const snapshot = fc.nat(2);
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({ do: fc.constantFrom('join' as const, 'leave' as const), agent }),
    fc.record({ do: fc.constantFrom('aim' as const, 'send' as const), agent, snapshot }),
    fc.record({
      do: fc.constant('report' as const),
      agent,
      snapshot,
      rejects: fc.boolean(),
      part: fc.constantFrom(1 as const, 2 as const),
      parts: fc.constantFrom(1 as const, 2 as const),
      bye: fc.nat(9).map((draw) => draw === 0),
    }),
    fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(1_000, 16_000, 31_000) }),
  ),
  { maxLength: 40 },
);

const identity = (i: number): Identity => ({
  namespace: 'shop',
  boot: `b${i}`,
  service: 's',
  instance: `i${i}`,
  labels: {},
});

/** Runs the steps and returns the final counts; with `asking`, counts are also read after each step. */
function play(all: readonly Step[], asking: boolean) {
  const fleet = new Fleet();
  const agents = new Map<number, Agent>();
  let now = 0;
  const ask = () => [...fleet.counts('shop', ['a', 'b'], now)];
  for (const [i, step] of all.entries()) {
    const known = 'agent' in step ? agents.get(step.agent) : undefined;
    if (step.do === 'join') agents.set(step.agent, fleet.connect(identity(step.agent), now));
    else if (step.do === 'leave' && known) fleet.disconnect(known);
    else if (step.do === 'aim' && known) fleet.setTarget(known, SNAPSHOTS[step.snapshot]!, 0);
    else if (step.do === 'send' && known) fleet.sent(known, SNAPSHOTS[step.snapshot]!);
    else if (step.do === 'report') fleet.report({ namespace: 'shop' }, reportOf(step, i + 1), now);
    else if (step.do === 'wait') {
      fleet.sweep(now, now + step.ms);
      now += step.ms;
    }
    if (asking) ask();
  }
  return ask();
}

const reportOf = (step: Extract<Step, { do: 'report' }>, sequence: number): Report => ({
  protocol: 1,
  service: 's',
  instance: 'i',
  boot: `b${step.agent}`,
  sequence: step.part === 2 ? sequence - 1 : sequence,
  part: step.part,
  parts: step.parts,
  revision: SNAPSHOTS[step.snapshot]!.revision,
  rejections: step.rejects ? [{ uid: 'a', generation: 1, field: 'spec', message: 'no' }] : [],
  breakers: [],
  bye: step.bye,
});

it('counts the same whether it is asked once or after everything that happens', () => {
  fc.assert(
    fc.property(steps, (all) => {
      expect(play(all, true)).toEqual(play(all, false));
    }),
    { numRuns: 500 },
  );
});

import type { Report } from '@fuseboard/schema';
import { beforeEach, expect, it } from '@jest/globals';
import { AgentDelivery, SentSteps } from '../delivery/agent-delivery.ts';
import { entryOf, overrideEntryOf, type Snapshot, snapshotOf } from '../delivery/snapshot.ts';
import { readOverride } from '../policy/read-override.ts';
import { ReportAssembler } from './report-assembler.ts';

const stop = readOverride({ uid: 'stop', namespace: 'shop', name: 'stop', createdAt: 0, spec: { duration: '1m' } });
const sent: Snapshot = snapshotOf(
  [['payments', 'p']],
  (uid) => entryOf({ uid, name: 'payments', generation: 1, spec: {}, hold: false }),
  [overrideEntryOf(stop)],
);

let assembler: ReportAssembler;
let delivery: AgentDelivery;

beforeEach(() => {
  assembler = new ReportAssembler();
  delivery = new AgentDelivery();
  delivery.addSent(sent, new SentSteps());
});

const rejectionOf = (uid: string) => ({ uid, generation: 1, field: 'spec.trip', message: 'no' });

function take(over: Partial<Report>) {
  const report: Report = {
    protocol: 1,
    service: 's',
    instance: 'pod-a',
    boot: 'a',
    sequence: 1,
    part: 1,
    parts: 1,
    revision: sent.revision,
    rejections: [],
    breakers: [],
    ...over,
  };
  return assembler.begin(report) ? assembler.add(report, delivery, 'pod-a') : 'repeated';
}

it('is whole with the last part, whatever their order', () => {
  expect(take({ part: 2, parts: 2, rejections: [rejectionOf('p')] })).toBeUndefined();
  const whole = take({ part: 1, parts: 2, overrides: ['stop'] });
  if (whole === undefined || whole === 'repeated') throw new Error('the report is not whole');
  expect([...whole.rejections.keys()]).toEqual(['p']);
  expect([...whole.overrides]).toEqual(['stop']);
});

it('counts each part once, and none of an earlier report', () => {
  expect(take({ sequence: 2, part: 1, parts: 2 })).toBeUndefined();
  expect(take({ sequence: 2, part: 1, parts: 2 })).toBe('repeated');
  expect(take({ sequence: 1, part: 2, parts: 2 })).toBe('repeated');
});

it('begins again with the next report, whether the one before was whole or not', () => {
  const guarded = [{ uid: 'p', by: 'minTimeout', limit: '1s' }];
  take({ sequence: 1, part: 1, parts: 2, rejections: [rejectionOf('p')], overrides: ['stop'], guarded });
  expect(take({ sequence: 2 })).toEqual({ rejections: new Map(), overrides: new Set(), guarded: new Map() });
});

it('passes over what was not sent to the agent', () => {
  const guarded = [{ uid: 'foreign', by: 'minTimeout', limit: '1s' }];
  expect(take({ rejections: [rejectionOf('foreign')], overrides: ['foreign'], guarded })).toEqual({
    rejections: new Map(),
    overrides: new Set(),
    guarded: new Map(),
  });
});

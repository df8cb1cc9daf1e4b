import { describe, expect, it } from '@jest/globals';
import { readOverride } from '../policy/override.ts';
import { type OverrideStatusInput, overrideStatusOf } from './override-status.ts';

const CREATED = 1_700_000_000_000;
const SPEC = { breakers: ['payments'], action: 'ForceOpen', reason: 'why', duration: '10m' };
const make = (spec: object = SPEC) =>
  readOverride({ uid: 'u', namespace: 'shop', name: 'n', createdAt: CREATED, spec });
const agents = (applied: number, matched: number, stale = 0) => ({ agents: { matched, applied, rejected: 0, stale } });
const status = (over: Partial<OverrideStatusInput> = {}) =>
  overrideStatusOf({
    override: make(),
    counts: agents(2, 2),
    unheard: 0,
    previous: undefined,
    ageMs: 0,
    now: CREATED + 1_000,
    ...over,
  });

describe('the status of an override', () => {
  it('says which agents apply it and until when', () => {
    expect(status()).toEqual({
      phase: 'Active',
      expiresAt: '2023-11-14T22:23:20Z',
      agents: { matched: 2, applied: 2, stale: 0, summary: '2/2' },
      conditions: [
        {
          type: 'Applied',
          status: 'True',
          observedGeneration: 1,
          lastTransitionTime: '2023-11-14T22:13:21Z',
          reason: 'Applied',
          message: '2 agents apply it',
        },
        {
          type: 'Ready',
          status: 'True',
          observedGeneration: 1,
          lastTransitionTime: '2023-11-14T22:13:21Z',
          reason: 'Applied',
          message: '2 agents apply it',
        },
      ],
    });
  });

  it.each<[string, Partial<OverrideStatusInput>, string, string, string]>([
    ['some lack it and it is new', { counts: agents(1, 2) }, 'Unknown', 'Pending', '1 of 2 agents apply it'],
    ['some lack it', { counts: agents(1, 2), ageMs: 10_000 }, 'False', 'PartiallyApplied', '1 of 2 agents apply it'],
    ['one is silent', { counts: agents(1, 2, 1) }, 'True', 'Applied', '1 agent applies it; 1 silent agent ignored'],
    [
      'the code of an agent refuses it',
      { counts: { agents: { ...agents(1, 2).agents, guarded: 1 } }, ageMs: 10_000 },
      'False',
      'PartiallyApplied',
      '1 of 2 agents apply it; the code of 1 agent limits it',
    ],
    [
      'the code of an agent shortens it',
      { counts: { agents: { ...agents(2, 2).agents, guarded: 1 } } },
      'True',
      'Applied',
      '2 agents apply it; the code of 1 agent limits it',
    ],
    ['it is for nobody', { counts: agents(0, 0), ageMs: 10_000 }, 'False', 'NoAgents', 'it selects no live agent'],
    [
      'a replica has not said',
      { unheard: 1 },
      'Unknown',
      'Pending',
      '2 of 2 agents apply it; 1 replica of the operator did not report yet',
    ],
  ])('when %s', (_what, over, wanted, reason, message) => {
    expect(status(over).conditions![0]).toMatchObject({ type: 'Applied', status: wanted, reason, message });
  });

  it('keeps at its end which agents applied it', () => {
    const previous = status();
    const ended = status({ previous, counts: agents(0, 0), now: CREATED + 600_000 });
    expect(ended).toMatchObject({
      phase: 'Ended',
      agents: { summary: '2/2' },
      conditions: [
        { status: 'False', reason: 'Ended', message: 'ended at 2023-11-14T22:23:20Z; 2/2 agents applied it' },
        { type: 'Ready', status: 'True', reason: 'Ended' },
      ],
    });
  });

  it('moves the time of the condition only with its status', () => {
    const previous = status();
    const later = status({ previous, counts: agents(3, 3), now: CREATED + 9_000 });
    expect(later.conditions![0]!.lastTransitionTime).toBe(previous.conditions![0]!.lastTransitionTime);
  });

  it('says what is wrong with one that no agent can apply', () => {
    const { phase, conditions } = status({ override: make({ ...SPEC, reason: '' }) });
    expect(phase).toBe('Invalid');
    expect(conditions![0]!.message).toBe('spec.reason: an override needs a reason; say in a few words why');
  });

  it.each<[string, Partial<OverrideStatusInput>, string[]]>([
    ['every agent', {}, ['Ready True Applied']],
    ['no agent', { counts: agents(0, 0), ageMs: 10_000 }, ['Ready True NoAgents']],
    ['its end behind it', { now: CREATED + 600_000 }, ['Ready True Ended']],
    ['some agents while it is new', { counts: agents(1, 2) }, ['Ready Unknown Pending', 'Reconciling True Pending']],
    [
      'some agents for long',
      { counts: agents(1, 2), ageMs: 10_000 },
      ['Ready False PartiallyApplied', 'Reconciling True PartiallyApplied'],
    ],
    [
      'a spec that cannot be used',
      { override: make({ ...SPEC, reason: '' }) },
      ['Ready False Invalid', 'Stalled True Invalid'],
    ],
  ])('with %s tells tools that wait', (_what, over, wanted) => {
    const said = status(over).conditions!.slice(1);
    expect(said.map((one) => `${one.type} ${one.status} ${one.reason}`)).toEqual(wanted);
  });
});

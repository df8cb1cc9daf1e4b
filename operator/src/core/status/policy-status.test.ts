import type { PolicyStatus } from '@fuseboard/schema';
import { describe, expect, it } from '@jest/globals';
import type { PolicyCounts } from '../fleet/fleet.ts';
import { conditionOf } from '../policy/condition.ts';
import type { Routing } from '../policy/routing.ts';
import { GRACE_PERIOD_MS, inGracePeriod, PENDING_MS, type StatusInput, statusOf } from './policy-status.ts';

const NOW = Date.parse('2026-03-01T12:00:00Z');

const agents = (matched: number, applied: number, rejected = 0, stale = 0) => ({ matched, applied, rejected, stale });

const input = (over: Partial<StatusInput> & { fleet?: Partial<PolicyCounts> } = {}): StatusInput => ({
  generation: 3,
  problems: [],
  precedence: { shadows: [] },
  counts: {
    agents: agents(0, 0),
    breakers: { closed: 0, open: 0, halfOpen: 0, shadowOpen: 0 },
    fallback: { optedIn: 0, unused: 0 },
    open: [],
    rejections: [],
    ...over.fleet,
  },
  previous: undefined,
  sameSpec: false,
  ageMs: 0,
  unheard: 0,
  uptimeMs: GRACE_PERIOD_MS * 10,
  expected: 0,
  now: NOW,
  ...over,
});

const told = (status: PolicyStatus, type: 'Accepted' | 'Programmed' | 'Healthy') => {
  const { status: value, reason } = conditionOf(status, type)!;
  return `${value} ${reason}`;
};

const first = { name: 'first' } as Routing;

it('counts the agents whose code limits the policy, where there are any', () => {
  const of = (guarded: object) => statusOf(input({ fleet: { agents: { ...agents(3, 3), ...guarded } } })).agents;
  expect(of({ guarded: 2 })).toEqual({ ...agents(3, 3), guarded: 2, summary: '3/3' });
  expect(of({})).toEqual({ ...agents(3, 3), summary: '3/3' });
});

describe('Accepted', () => {
  it.each<[string, Partial<StatusInput>, string, RegExp]>([
    ['a policy without problems', {}, 'True Valid', /spec is valid/],
    [
      'a policy with a wrong field',
      { problems: [{ field: 'spec.trip.window.size', message: 'is required' }] },
      'False Invalid',
      /^spec\.trip\.window\.size: is required$/,
    ],
    [
      'a policy with five wrong fields',
      { problems: ['a', 'b', 'c', 'd', 'e'].map((field) => ({ field, message: 'is wrong' })) },
      'False Invalid',
      /^a: is wrong; b: is wrong; c: is wrong; and 2 more$/,
    ],
    ['a policy that governs nothing', { precedence: { conflict: first, shadows: [] } }, 'False Conflicted', /"first"/],
    [
      'a policy of which others govern one name everywhere and one in part',
      {
        precedence: {
          shadows: [
            { pattern: 'pay*', by: first, everywhere: true },
            { pattern: 'mail', by: first, everywhere: false },
          ],
        },
      },
      'True Valid',
      /but "pay\*" is governed by "first", "mail" is governed by "first" where its selector matches$/,
    ],
  ])('of %s', (_what, over, expected, message) => {
    const status = statusOf(input(over));
    expect(told(status, 'Accepted')).toBe(expected);
    expect(conditionOf(status, 'Accepted')!.message).toMatch(message);
  });
});

describe('Programmed', () => {
  const partial = statusOf(input({ fleet: { agents: agents(4, 1) }, ageMs: PENDING_MS }));
  it.each<[string, Parameters<typeof input>[0], string]>([
    ['no agent', {}, 'False NoAgents'],
    ['only silent agents', { fleet: { agents: agents(2, 0, 0, 2) } }, 'False NoAgents'],
    ['a new spec on its way', { fleet: { agents: agents(4, 1) } }, 'Unknown Pending'],
    [
      'a spec that some lack for long',
      { fleet: { agents: agents(4, 1) }, ageMs: PENDING_MS },
      'False PartiallyProgrammed',
    ],
    [
      'a spec that some lacked before this operator began',
      { fleet: { agents: agents(4, 1) }, previous: partial, sameSpec: true },
      'False PartiallyProgrammed',
    ],
    ['a spec that one cannot use', { fleet: { agents: agents(4, 3, 1) } }, 'False Rejected'],
    ['every agent', { fleet: { agents: agents(4, 4) } }, 'True Programmed'],
    ['every agent that is not silent', { fleet: { agents: agents(4, 3, 0, 1) } }, 'True Programmed'],
    ['a spec that cannot be used', { problems: [{ field: 'f', message: 'm' }] }, 'False Rejected'],
    ['a conflict', { precedence: { conflict: first, shadows: [] } }, 'False NoAgents'],
    [
      'the first of many agents after a restart',
      { fleet: { agents: agents(1, 1) }, expected: 20, uptimeMs: GRACE_PERIOD_MS - 1 },
      'Unknown Pending',
    ],
    [
      'as many agents as before the restart',
      { fleet: { agents: agents(20, 20) }, expected: 20, uptimeMs: 1 },
      'True Programmed',
    ],
    [
      'fewer agents long after a restart',
      { fleet: { agents: agents(1, 1) }, expected: 20, uptimeMs: GRACE_PERIOD_MS },
      'True Programmed',
    ],
    [
      'every agent that is known, and a replica that has not spoken of the spec',
      { fleet: { agents: agents(4, 4) }, unheard: 1 },
      'Unknown Pending',
    ],
    ['no agent, and a replica that has not spoken of the spec', { unheard: 1 }, 'Unknown Pending'],
    [
      'a replica that has not spoken of the spec for long',
      { fleet: { agents: agents(4, 4) }, unheard: 1, ageMs: PENDING_MS },
      'False PartiallyProgrammed',
    ],
    [
      'an agent that cannot use it, and a replica that has not spoken of the spec',
      { fleet: { agents: agents(4, 3, 1) }, unheard: 1 },
      'False Rejected',
    ],
  ])('with %s', (_what, over, expected) => {
    expect(told(statusOf(input(over)), 'Programmed')).toBe(expected);
  });

  it('is Unknown with the time once no live agent is left, until one of them says that it has the policy', () => {
    const previous = statusOf(input({ fleet: { agents: agents(4, 4) } }));
    const later = { previous, sameSpec: true, now: NOW + 60_000 };
    const gone = statusOf(input(later));
    expect(told(gone, 'Programmed')).toBe('Unknown AgentsGone');
    expect(conditionOf(gone, 'Programmed')).toMatchObject({
      message: 'no live agent since 2026-03-01T12:01:00Z; before, 4 agents applied the spec',
      lastTransitionTime: '2026-03-01T12:01:00Z',
    });
    expect(kstatus(gone)).toBe('InProgress');
    const silent = statusOf(input({ ...later, fleet: { agents: agents(4, 4, 0, 4) } }));
    expect(told(silent, 'Programmed')).toBe('Unknown AgentsGone');
    const again = { previous: gone, sameSpec: true, now: NOW + 90_000, ageMs: PENDING_MS * 9 };
    const still = statusOf(input({ ...again, fleet: { agents: agents(2, 0) } }));
    expect(conditionOf(still, 'Programmed')).toEqual(conditionOf(gone, 'Programmed'));
    const back = statusOf(input({ ...again, fleet: { agents: agents(2, 2) } }));
    expect(told(back, 'Programmed')).toBe('True Programmed');
  });

  it('blames the conflict when that took the agents away', () => {
    const previous = statusOf(input({ fleet: { agents: agents(4, 4) } }));
    const status = statusOf(input({ previous, sameSpec: true, precedence: { conflict: first, shadows: [] } }));
    expect(told(status, 'Programmed')).toBe('False NoAgents');
  });

  it('stays True without agents while they may be on their way to another replica or to this one', () => {
    const previous = statusOf(input({ fleet: { agents: agents(4, 4) } }));
    const meanwhile: Partial<StatusInput>[] = [{ unheard: 1 }, { expected: 4, uptimeMs: GRACE_PERIOD_MS - 1 }];
    for (const one of meanwhile) {
      const status = statusOf(input({ previous, sameSpec: true, ...one }));
      expect(told(status, 'Programmed')).toBe('True Programmed');
    }
  });

  it('stays True for its spec when agents come, reject or go, and starts again with the next spec', () => {
    const previous = statusOf(input({ fleet: { agents: agents(4, 4) } }));
    for (const counts of [agents(5, 4), agents(1, 1), agents(4, 2, 2), agents(4, 1, 0, 3)]) {
      const status = statusOf(input({ previous, sameSpec: true, fleet: { agents: counts } }));
      expect(told(status, 'Programmed')).toBe('True Programmed');
    }
    const edited = statusOf(input({ previous, generation: 4, fleet: { agents: agents(4, 0) } }));
    expect(told(edited, 'Programmed')).toBe('Unknown Pending');
  });

  it('says that it waits for another replica', () => {
    const status = statusOf(input({ fleet: { agents: agents(4, 4) }, unheard: 1 }));
    expect(conditionOf(status, 'Programmed')!.message).toBe(
      '4 of 4 agents applied the spec; 1 replica of the operator did not report yet',
    );
  });

  it('says what it does not wait for', () => {
    const status = statusOf(input({ fleet: { agents: agents(4, 3, 0, 1) } }));
    expect(conditionOf(status, 'Programmed')!.message).toBe('3 agents applied the spec; 1 silent agent ignored');
  });
});

describe('a fallback to which no code opts in', () => {
  const said = (optedIn: number, unused: number, more: Partial<StatusInput> = {}) => {
    const { message, status } = conditionOf(
      statusOf(input({ fleet: { fallback: { optedIn, unused } }, ...more })),
      'Accepted',
    )!;
    return `${status}: ${message}`;
  };

  it.each<[string, number, number, string]>([
    [
      'one breaker',
      0,
      1,
      'True: the spec is valid; its fallback is not used: no call on 1 breaker opts in to it (policyFallback, in Python policy_fallback)',
    ],
    [
      'three',
      0,
      3,
      'True: the spec is valid; its fallback is not used: no call on 3 breakers opts in to it (policyFallback, in Python policy_fallback)',
    ],
    ['a breaker that lets it', 1, 3, 'True: the spec is valid'],
    ['no breaker that was called', 0, 0, 'True: the spec is valid'],
  ])('with %s', (_what, optedIn, unused, message) => {
    expect(said(optedIn, unused)).toBe(message);
  });

  it('is reported together with names that other policies govern', () => {
    const shadows = [{ pattern: 'a', by: first, everywhere: true }];
    expect(said(0, 1, { precedence: { shadows } })).toMatch(
      /^True: .* but "a" is governed by "first"; its fallback is not used/,
    );
  });
});

describe('Healthy', () => {
  it.each<[string, Partial<PolicyCounts['breakers']>, string]>([
    ['no report', {}, 'Unknown NoReports'],
    ['closed breakers', { closed: 3 }, 'True NoneOpen'],
    ['an open one', { closed: 3, open: 1 }, 'False BreakerOpen'],
    ['a shadow one that would be open', { shadowOpen: 1 }, 'True NoneOpen'],
    ['one that probes', { halfOpen: 1 }, 'True NoneOpen'],
  ])('with %s', (_what, some, expected) => {
    const breakers = { closed: 0, open: 0, halfOpen: 0, shadowOpen: 0, ...some };
    expect(told(statusOf(input({ fleet: { breakers } })), 'Healthy')).toBe(expected);
  });

  it('counts half-open breakers in its message', () => {
    const breakers = { closed: 2, open: 0, halfOpen: 1, shadowOpen: 0 };
    expect(conditionOf(statusOf(input({ fleet: { breakers } })), 'Healthy')!.message).toBe(
      '3 breakers, none open, 1 half-open',
    );
  });

  it('names three open breakers and counts the rest', () => {
    const breakers = { closed: 0, open: 5, halfOpen: 0, shadowOpen: 0 };
    const status = statusOf(input({ fleet: { breakers, open: ['a on x', 'b on x', 'c on y'] } }));
    expect(conditionOf(status, 'Healthy')!.message).toBe('open: a on x, b on x, c on y and 2 more');
  });
});

/** The status that kstatus derives from conditions of the current generation. */
function kstatus({ conditions = [] }: PolicyStatus): string {
  const holds = (type: string, status: string) => conditions.some((one) => one.type === type && one.status === status);
  if (holds('Reconciling', 'True')) return 'InProgress';
  if (holds('Stalled', 'True')) return 'Failed';
  return holds('Ready', 'False') || holds('Ready', 'Unknown') ? 'InProgress' : 'Current';
}

describe('for tools that read Ready, Reconciling and Stalled', () => {
  it.each<[string, Parameters<typeof input>[0], string, string[]]>([
    ['no agent', {}, 'Current', ['Ready True NoAgents']],
    ['every agent', { fleet: { agents: agents(4, 4) } }, 'Current', ['Ready True Programmed']],
    [
      'every agent, and a breaker that is open',
      { fleet: { agents: agents(4, 4), breakers: { closed: 3, open: 1, halfOpen: 0, shadowOpen: 0 } } },
      'Current',
      ['Ready True Programmed'],
    ],
    [
      'a new spec on its way',
      { fleet: { agents: agents(4, 1) } },
      'InProgress',
      ['Ready Unknown Pending', 'Reconciling True Pending'],
    ],
    [
      'a spec that some lack for long',
      { fleet: { agents: agents(4, 1) }, ageMs: PENDING_MS },
      'InProgress',
      ['Ready False PartiallyProgrammed', 'Reconciling True PartiallyProgrammed'],
    ],
    [
      'an agent that cannot use the spec',
      { fleet: { agents: agents(4, 3, 1) } },
      'Failed',
      ['Ready False Rejected', 'Stalled True Rejected'],
    ],
    [
      'a spec that cannot be used',
      { problems: [{ field: 'f', message: 'm' }] },
      'Failed',
      ['Ready False Invalid', 'Stalled True Invalid'],
    ],
    [
      'a conflict',
      { precedence: { conflict: first, shadows: [] } },
      'Failed',
      ['Ready False Conflicted', 'Stalled True Conflicted'],
    ],
  ])('a policy with %s says so', (_what, over, wanted, conditions) => {
    const status = statusOf(input(over));
    expect(kstatus(status)).toBe(wanted);
    const summary = status.conditions!.slice(3).map((one) => `${one.type} ${one.status} ${one.reason}`);
    expect(summary).toEqual(conditions);
    for (const { message } of status.conditions!) expect(message).not.toBe('');
  });

  it('Stalled leaves with an edit that fixes the spec', () => {
    const previous = statusOf(input({ problems: [{ field: 'f', message: 'm' }] }));
    const fixed = statusOf(input({ previous, generation: 4, fleet: { agents: agents(4, 4) } }));
    expect(fixed.conditions!.map(({ type }) => type)).toEqual(['Accepted', 'Programmed', 'Healthy', 'Ready']);
  });
});

it('moves the transition time only with the status of the condition', () => {
  const one = statusOf(input({ fleet: { agents: agents(4, 1) } }));
  const two = statusOf(input({ fleet: { agents: agents(4, 2) }, previous: one, sameSpec: true, now: NOW + 60_000 }));
  expect(conditionOf(two, 'Programmed')).toMatchObject({
    message: '2 of 4 agents applied the spec',
    lastTransitionTime: '2026-03-01T12:00:00Z',
  });
  const three = statusOf(input({ fleet: { agents: agents(4, 4) }, previous: two, sameSpec: true, now: NOW + 90_500 }));
  expect(conditionOf(three, 'Programmed')!.lastTransitionTime).toBe('2026-03-01T12:01:30Z');
  expect(conditionOf(three, 'Accepted')!.lastTransitionTime).toBe('2026-03-01T12:00:00Z');
});

it('gives every condition the generation that it describes', () => {
  const status = statusOf(input({ generation: 9 }));
  expect(status.observedGeneration).toBe(9);
  expect(status.conditions!.map(({ observedGeneration }) => observedGeneration)).toEqual([9, 9, 9, 9]);
});

it('is gathering only soon after the start and while fewer agents have answered than had the policy before', () => {
  const soon = { expected: 3, uptimeMs: GRACE_PERIOD_MS - 1 };
  expect(inGracePeriod(input({ ...soon, fleet: { agents: agents(3, 2) } }))).toBe(true);
  expect(inGracePeriod(input({ ...soon, fleet: { agents: agents(3, 2, 1) } }))).toBe(false);
  expect(inGracePeriod(input({ ...soon, uptimeMs: GRACE_PERIOD_MS }))).toBe(false);
});

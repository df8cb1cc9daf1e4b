import { readFileSync } from 'node:fs';
import { type OverrideSpec, overrideProblems, type PolicySpec, specProblems } from '@fuseboard/schema';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { parse } from 'yaml';
import type { PolicyCounts } from '../../core/fleet/fleet.ts';
import { precedenceOf } from '../../core/policy/precedence.ts';
import { routingOf, sortedRoutes } from '../../core/policy/routing.ts';
import { statusOf } from '../../core/status/policy-status.ts';
import type { StoredOverride, StoredPolicy, Target } from '../client/target.ts';
import { CliError, EXIT_CODES } from '../exit-codes.ts';
import { explainCommand } from './explain.ts';

/** A test case: the cluster, the question and the output. */
interface Case {
  readonly name: string;
  readonly ask: { readonly breaker: string; readonly labels?: string };
  readonly policies: readonly {
    readonly name: string;
    /** Absent: the namespace in the question. */
    readonly namespace?: string;
    /** Absent: 1. */
    readonly generation?: number;
    /** Day of its creation in May; absent: the first. */
    readonly day?: number;
    readonly spec: PolicySpec;
    /** The generation in the operator's status; absent: the current one; 0: no status. */
    readonly confirmed?: number;
    /** Seconds since it was applied; absent: an hour. */
    readonly age?: number;
    /** Matching agents; absent: one, which runs the policy. */
    readonly agents?: Partial<PolicyCounts['agents']>;
    readonly rejections?: PolicyCounts['rejections'];
  }[];
  readonly overrides?: readonly {
    readonly name: string;
    /** Seconds from now. */
    readonly ends: number;
    /** Seconds ago; absent: a minute. */
    readonly age?: number;
    readonly by?: string;
    readonly spec: Omit<OverrideSpec, 'duration' | 'expiresAt'>;
  }[];
  /** Objects that the user may not read; absent: none. */
  readonly refused?: 'overrides' | 'other namespaces';
  readonly code: number;
  readonly says: string;
}

const NAMESPACE = 'shop';
const NOW = Date.parse('2030-06-01T12:00:00Z');

const cases = parse(
  readFileSync(new URL('../../core/policy/testdata/explain.yaml', import.meta.url), 'utf8'),
) as Case[];

/** The policies of a case, with the operator's status. */
function stored({ policies }: Case): StoredPolicy[] {
  const known = policies.map(({ namespace = NAMESPACE, generation = 1, day = 1, ...policy }) => ({
    ...{ ...policy, namespace, generation, uid: `${namespace}/${policy.name}` },
    createdAt: Date.parse(`2030-05-${String(day).padStart(2, '0')}T00:00:00Z`),
    problems: specProblems(policy.spec),
  }));
  return known.map((policy) => {
    const { namespace, name, uid, generation, createdAt, spec, problems } = policy;
    const routed = known.flatMap((one) => (one.namespace === namespace ? (routingOf(one) ?? []) : []));
    const agents = { matched: 1, applied: 1, rejected: 0, stale: 0, ...policy.agents };
    const { confirmed = generation, age = 3_600, rejections = [] } = policy;
    const status = statusOf({
      ...{ generation: confirmed, problems, precedence: precedenceOf(sortedRoutes(routed)).get(uid) },
      counts: {
        ...{ agents, rejections, open: [], fallback: { optedIn: 0, unused: 0 } },
        breakers: { closed: agents.applied, open: 0, halfOpen: 0, shadowOpen: 0 },
      },
      ...{ unheard: 0, previous: undefined, sameSpec: false, ageMs: age * 1_000 },
      ...{ uptimeMs: 86_400_000, expected: 0, now: NOW },
    });
    const seen = { namespace, name, uid, generation, createdAt, spec, problems };
    return { ...seen, status: confirmed === 0 ? {} : status };
  });
}

const forcing = ({ overrides = [] }: Case): StoredOverride[] =>
  overrides.map(({ name, ends, age = 60, by, spec }) => ({
    ...{ namespace: NAMESPACE, name, createdAt: NOW - age * 1_000, expiresAt: NOW + ends * 1_000 },
    ...{ spec: spec as OverrideSpec, status: {}, ...(by !== undefined && { createdBy: by }) },
  }));

/** A cluster with the objects of a case. */
function target(one: Case): Target {
  const refuse = (what: string) => {
    throw new CliError(EXIT_CODES.unreachable, `cluster "test" refused: you may not list ${what}`);
  };
  const all = stored(one);
  return {
    name: 'cluster "test"',
    namespace: NAMESPACE,
    policies: async (namespace: string | undefined) => {
      if (namespace === undefined && one.refused === 'other namespaces') refuse('circuitbreakerpolicies');
      return all.filter((policy) => namespace === undefined || policy.namespace === namespace);
    },
    overrides: async () => (one.refused === 'overrides' ? refuse('circuitbreakeroverrides') : forcing(one)),
    close: async () => {},
  } as Partial<Target> as Target;
}

async function explained(one: Case, ...more: string[]): Promise<{ text: string; code: number }> {
  let text = '';
  let code = -1;
  const terminal = { out: { write: (part: string) => (text += part) } } as never;
  const command = explainCommand(
    terminal,
    () => target(one),
    (setExitCode) => {
      code = setExitCode;
    },
  );
  const { breaker, labels } = one.ask;
  await command.parseAsync([breaker, ...(labels === undefined ? [] : ['-l', labels]), ...more], { from: 'user' });
  return { text, code };
}

beforeEach(() => {
  jest.useFakeTimers({ now: NOW });
});

afterEach(() => {
  jest.useRealTimers();
});

describe('explain', () => {
  it.each(cases)('says what a person reads: $name', async (one) => {
    expect(await explained(one)).toEqual({ text: one.says, code: one.code });
  });

  it('has tricky cases enough, of things that can be', () => {
    expect(cases.length).toBeGreaterThanOrEqual(20);
    expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length);
    for (const { overrides = [] } of cases) {
      for (const { spec } of overrides) expect(overrideProblems({ ...spec, duration: '10m' })).toEqual([]);
    }
  });

  it('tells a program the same', async () => {
    const one = cases.find(({ overrides }) => overrides !== undefined)!;
    const { text } = await explained(one, '-o', 'json');
    const { winner, notes } = JSON.parse(text);
    expect(one.says).toContain(`policy "${winner}" governs`);
    expect(one.says).toContain(`note: ${notes[0]}\n`);
  });
});

import { draws } from './draws.ts';
import type { Labels } from './records.ts';

/** The breakers that every agent has, each governed by at most one policy of that name in a namespace. */
export const BREAKERS = ['p0', 'p1', 'p2', 'p3'] as const;

/** The policy of a breaker selects the same agents whenever it is made again. */
export const SELECTORS: Readonly<Record<string, Labels>> = { p1: { app: 'checkout' }, p2: { app: 'billing' } };

/** Which of the two namespaces of a schedule. */
export type Side = 'here' | 'there';

export interface AgentPlan {
  readonly service: string;
  readonly side: Side;
  readonly labels: Labels;
  readonly cached: boolean;
}

/** Who lives in every schedule. */
export const AGENTS: readonly AgentPlan[] = [
  { service: 'checkout-1', side: 'here', labels: { app: 'checkout' }, cached: true },
  { service: 'checkout-2', side: 'here', labels: { app: 'checkout' }, cached: false },
  { service: 'billing', side: 'here', labels: { app: 'billing' }, cached: true },
  { service: 'elsewhere', side: 'there', labels: { app: 'checkout' }, cached: true },
];

export type Edit =
  | {
      readonly edit: 'put';
      readonly side: Side;
      readonly breaker: string;
      readonly failures: number;
      readonly malformed: boolean;
    }
  | { readonly edit: 'delete'; readonly side: Side; readonly breaker: string }
  /** Deleted and at once made again: another uid, generation 1. */
  | { readonly edit: 'recreate'; readonly side: Side; readonly breaker: string; readonly failures: number }
  /** Many edits as fast as the API server takes them. */
  | { readonly edit: 'burst'; readonly side: Side; readonly breaker: string; readonly failures: readonly number[] };

/** Each with the bounds between which its number is drawn; absent: it has none. */
export const FAULTS = {
  /** On the way of one replica to the API server. */
  'api-cut': undefined,
  'api-refused': [300, 1_500],
  'api-silent': [500, 3_000],
  'api-slow': [100, 600],
  'api-cut-in-the-middle': [1, 2_000],
  'api-429': [300, 1_500],
  'api-500': [300, 1_500],
  'api-410-status': [1, 4],
  'api-410-event': undefined,
  'api-garbage': undefined,
  'api-old-list': [1, 3],
  /** On the way of the agents to the replicas. */
  'agents-cut': undefined,
  'agents-refused': [300, 1_500],
  'agents-silent': [500, 6_000],
  'agents-slow': [200, 500],
  'agents-thin': [10_000, 10_000],
  'agents-lossy': [5, 30],
  'agents-cut-in-the-middle': [1, 1_500],
  'agents-one-stalled': [500, 4_000],
  'reports-held': [500, 3_000],
  'reports-twice': [500, 3_000],
  'reports-late': [500, 3_000],
  /** Of a replica. */
  'replica-killed': [0, 2_000],
  'replica-stopped': [300, 4_000],
  'replica-ended': [0, 1_000],
  'all-replicas-killed': [500, 2_000],
  /** Of an agent. */
  'agent-restarted': [0, 1_000],
  'agent-cache-truncated': [1, 400],
} as const satisfies Record<string, readonly [number, number] | undefined>;

export type FaultName = keyof typeof FAULTS;

export interface Fault {
  readonly fault: FaultName;
  /** What the fault is measured in: how many ms, bytes, bytes a second, percent or times. */
  readonly amount: number;
  readonly replica: number;
  readonly service: string;
}

export interface Step {
  /** After the step before, in ms. */
  readonly afterMs: number;
  readonly act: Edit | Fault;
}

/** What happens in a schedule. The same seed gives the same one. */
export interface Plan {
  readonly seed: number;
  /** How far the wall clock of the replicas and of the agents is off, in ms. */
  readonly replicaShiftMs: number;
  readonly agentShiftMs: number;
  readonly begin: readonly Edit[];
  readonly steps: readonly Step[];
}

const HOUR_MS = 3_600_000;
export const REPLICAS = 2;

/** Draws a schedule of so many steps, of which about half are edits and half are faults. */
export function plan(seed: number, steps: number): Plan {
  const { unit, whole, pick } = draws(seed);
  const exists = new Map<string, number>();
  const another = (before: number | undefined) => {
    const failures = whole(1, 8);
    return failures >= (before ?? 9) ? failures + 1 : failures;
  };

  const edit = (side: Side, breaker: string): Edit => {
    const key = `${side}/${breaker}`;
    const before = exists.get(key);
    const failures = another(before);
    const kind = before === undefined ? 'put' : pick(['put', 'put', 'put', 'delete', 'recreate', 'burst'] as const);
    if (kind === 'delete') {
      exists.delete(key);
      return { edit: 'delete', side, breaker };
    }
    if (kind === 'burst') {
      const many = Array.from({ length: whole(5, 25) }, () => whole(1, 9));
      exists.set(key, many.at(-1)!);
      return { edit: 'burst', side, breaker, failures: many };
    }
    exists.set(key, failures);
    if (kind === 'recreate') return { edit: 'recreate', side, breaker, failures };
    return { edit: 'put', side, breaker, failures, malformed: before !== undefined && unit() < 0.15 };
  };
  const fault = (): Fault => {
    const name = pick(Object.keys(FAULTS) as FaultName[]);
    const [least, most] = FAULTS[name] ?? [0, 0];
    return {
      fault: name,
      amount: whole(least, most),
      replica: whole(0, REPLICAS - 1),
      service: pick(AGENTS).service,
    };
  };

  const anyEdit = () => edit(unit() < 0.75 ? 'here' : 'there', pick(BREAKERS));
  const shift = () => pick([0, 0, HOUR_MS, -HOUR_MS]);
  return {
    seed,
    replicaShiftMs: shift(),
    agentShiftMs: shift(),
    begin: BREAKERS.slice(0, 3).flatMap((breaker) => [edit('here', breaker), edit('there', breaker)]),
    steps: Array.from({ length: steps }, () => ({
      afterMs: whole(0, 700),
      act: unit() < 0.5 ? anyEdit() : fault(),
    })),
  };
}

const change = (afterMs: number, failures: number): Step => ({
  afterMs,
  act: { edit: 'put', side: 'here', breaker: 'p0', failures, malformed: false },
});

/**
 * What a violation on purpose needs to show, whatever was drawn: a link that is gone for as long as every breaker takes
 * to be probed, and then changes that come one by one, more than an agent misses until it is back.
 */
export const REVEALING: readonly Step[] = [
  { afterMs: 0, act: { fault: 'agents-refused', amount: 2_000, replica: 0, service: AGENTS[0]!.service } },
  change(4_000, 2),
  ...[3, 4, 5].map((failures) => change(1_000, failures)),
];

/** One line that says what a step is. */
export function described(act: Edit | Fault): string {
  const { side, service, replica, ...rest } = { side: '', service: '', replica: 0, ...act };
  return JSON.stringify('fault' in act ? { ...rest, replica, service } : { ...rest, side });
}

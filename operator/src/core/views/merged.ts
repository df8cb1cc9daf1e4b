import { TRANSITIONS_KEPT } from '../fleet/fleet-breakers.ts';
import type { BreakerCounts } from '../fleet/state-counts.ts';
import { mergeOutages } from '../outages/merged-outages.ts';
import { compareText } from '../policy/compare-text.ts';
import { MEASURES } from '../slots.ts';
import { type BreakerRow, type Counted, largestServices, MAX_UNWELL_NAMED } from './breaker-row.ts';

/** The breaker rows of one replica. */
export interface BreakersOfReplica<Row extends BreakerRow> {
  /** When the replica answered, in milliseconds since 1970. */
  readonly at: number;
  /** The number of the current slot. Each replica has its own numbering. */
  readonly slot: number;
  readonly items: readonly Row[];
}

/** The fields that identify an agent, and those that show which replica has newer data about it. */
interface KnownAgent {
  readonly namespace: string;
  readonly service: string;
  readonly instance: string;
  readonly boot: string;
  readonly connected: boolean;
  readonly silentMs: number;
}

/**
 * Merges the agents of several replicas, sorted by name, each agent once. An agent that moved is still listed by its
 * former replica for up to a minute; the row of the replica with its stream or its latest report wins.
 */
export function mergeAgents<Row extends KnownAgent>(lists: readonly (readonly Row[])[]): Row[] {
  const found = new Map<string, Row>();
  for (const row of lists.flat()) {
    const key = `${row.namespace}/${row.boot}`;
    const known = found.get(key);
    if (known === undefined || knowsMore(row, known)) found.set(key, row);
  }
  return [...found.values()].sort(
    (a, b) =>
      compareText(a.namespace, b.namespace) ||
      compareText(a.service, b.service) ||
      compareText(a.instance, b.instance) ||
      compareText(a.boot, b.boot),
  );
}

const knowsMore = (a: KnownAgent, b: KnownAgent) =>
  a.connected === b.connected ? a.silentMs < b.silentMs : a.connected;

/**
 * Merges the breakers of several replicas into one row for each policy and breaker, in the slot numbers of the first
 * replica.
 */
export function mergeBreakers<Row extends BreakerRow>(replicas: readonly BreakersOfReplica<Row>[]): Row[] {
  const groups = new Map<string, Row[]>();
  const current = replicas[0]?.slot ?? 0;
  for (const { slot, items } of replicas) {
    for (const row of items) {
      const key = JSON.stringify([row.namespace, row.breaker, row.uid]);
      const shifted = { ...row, slot: row.slot - slot + current };
      const group = groups.get(key);
      if (group) group.push(shifted);
      else groups.set(key, [shifted]);
    }
  }
  return [...groups.values()].map(mergeRows);
}

/** The severity of a row's state. An open breaker of mode Shadow ranks lower, because it rejects nothing. */
export const severityOf = ({ state, shadow }: Pick<BreakerRow, 'state' | 'shadow'>) =>
  shadow && state !== 'closed' ? 2 : { none: 0, closed: 1, 'half-open': 3, open: 4 }[state];

function mergeRows<Row extends BreakerRow>(rows: readonly Row[]): Row {
  const worst = Math.max(...rows.map(severityOf));
  const deciding = rows.filter((row) => severityOf(row) === worst);
  const { state, shadow } = deciding[0]!;
  const [outage] = mergeOutages(rows.map((row) => (row.outage === undefined ? [] : [row.outage])));
  const since = deciding.map((row) => row.since);
  return {
    ...rows[0]!,
    state,
    shadow,
    // A fleet has been closed since its last breaker closed, and open since its first breaker opened.
    since: state === 'closed' || state === 'none' ? Math.max(...since) : Math.min(...since),
    heard: Math.max(...rows.map(({ heard }) => heard)),
    agents: rows.reduce((sum, { agents }) => sum + agents, 0),
    // A replica of a version without services names none.
    services: largestServices(rows.flatMap(({ services }: Partial<BreakerRow>) => services ?? [])),
    states: sumOf(rows.map(({ states }) => states)) satisfies BreakerCounts,
    unwell: deciding
      .flatMap(({ unwell }) => unwell)
      .sort(compareText)
      .slice(0, MAX_UNWELL_NAMED),
    window: sumOf(rows.map(({ window }) => window)) satisfies Counted,
    latency: sumAt(
      rows.map(({ latency }) => latency),
      rows.map(() => 0),
    ),
    ...samplesOf(rows),
    ...(outage !== undefined && { outage }),
    changes: rows
      .flatMap(({ changes }) => changes)
      .sort((a, b) => a.at - b.at || compareText(a.instance, b.instance))
      .slice(-TRANSITIONS_KEPT),
  };
}

function samplesOf(rows: readonly BreakerRow[]): Pick<BreakerRow, 'slot' | 'samples'> {
  const slot = Math.min(...rows.map((row) => row.slot));
  return {
    slot,
    samples: sumAt(
      rows.map(({ samples }) => samples),
      rows.map((row) => (row.slot - slot) * MEASURES.length),
    ),
  };
}

function sumOf<T extends object>(counts: readonly T[]): T {
  const sum: Record<string, number> = {};
  for (const one of counts) for (const [name, count] of Object.entries(one)) sum[name] = (sum[name] ?? 0) + count;
  return sum as T;
}

/** Sums lists element by element, each shifted by its offset. */
function sumAt(lists: readonly (readonly number[])[], offsets: readonly number[]): number[] {
  const sum: number[] = [];
  lists.forEach((list, i) => {
    list.forEach((count, at) => {
      const place = at + offsets[i]!;
      while (sum.length <= place) sum.push(0);
      sum[place]! += count;
    });
  });
  return sum;
}

import { TRANSITIONS_KEPT } from '../fleet/circuits.ts';
import type { BreakerCounts } from '../fleet/state-counts.ts';
import { compareText } from '../policy/compare-text.ts';
import { MEASURES } from '../slots.ts';
import { type BreakerRow, type Counted, MAX_UNWELL_NAMED } from './breaker-row.ts';

/** What one replica says of its breakers. */
export interface BreakersOfReplica<Row extends BreakerRow> {
  /** Milliseconds since 1970 when it said so. */
  readonly at: number;
  /** The number of the slot that it counts into; each replica numbers its own. */
  readonly slot: number;
  readonly items: readonly Row[];
}

/** What tells one agent from another, and which of two replicas knows more of it. */
interface KnownAgent {
  readonly namespace: string;
  readonly service: string;
  readonly instance: string;
  readonly boot: string;
  readonly connected: boolean;
  readonly silentMs: number;
}

/**
 * The agents of several replicas, each once, in the order of their names: an agent that moved is known to the former
 * replica for up to a minute, and is taken from the one that holds its stream or heard it last.
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

/** The breakers of several replicas: one row for each policy and breaker, in slots of the first replica. */
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

/** How bad the state of a row is; an open breaker of mode Shadow rejects nothing. */
export const severityOf = ({ state, shadow }: Pick<BreakerRow, 'state' | 'shadow'>) =>
  shadow && state !== 'closed' ? 2 : { none: 0, closed: 1, 'half-open': 3, open: 4 }[state];

function mergeRows<Row extends BreakerRow>(rows: readonly Row[]): Row {
  const worst = Math.max(...rows.map(severityOf));
  const deciding = rows.filter((row) => severityOf(row) === worst);
  const { state, shadow } = deciding[0]!;
  const since = deciding.map((row) => row.since);
  return {
    ...rows[0]!,
    state,
    shadow,
    // A fleet is closed since its last breaker closed, and open since its first one opened.
    since: state === 'closed' || state === 'none' ? Math.max(...since) : Math.min(...since),
    heard: Math.max(...rows.map(({ heard }) => heard)),
    agents: rows.reduce((sum, { agents }) => sum + agents, 0),
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

/** Adds lists up, each of them moved by its offset. */
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

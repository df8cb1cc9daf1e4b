import type { Breaker, BreakerStats, State } from '../breakers/breaker.ts';
import { registry } from '../breakers/registry.ts';
import type { LinkState } from '../link/link.ts';

/** A number of one breaker, with the labels that distinguish it from others of its metric. */
export interface MetricPoint {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A metric of breakers; whoever exports metrics exports all of these. */
export interface MetricDefinition {
  /** In words that are joined as each system joins them. */
  readonly name: readonly string[];
  /** A gauge is a value now; a counter never runs backwards. */
  readonly type: 'gauge' | 'counter';
  readonly help: string;
  points(stats: BreakerStats): MetricPoint[];
}

export type BreakerReading = readonly [breaker: string, stats: BreakerStats];

const STATES: readonly State[] = ['closed', 'open', 'half-open'];
export const LINK_STATES: readonly LinkState[] = ['Live', 'Stale', 'LastGood', 'Defaults'];
const FIRST_BUCKET_SECONDS = 0.000_125;

export const METRICS: readonly MetricDefinition[] = [
  {
    name: ['breaker', 'state'],
    type: 'gauge',
    help: 'Whether the circuit breaker is in this state: 1 or 0.',
    points: (stats) => STATES.map((state) => ({ labels: { state }, value: stats.state === state ? 1 : 0 })),
  },
  {
    name: ['calls'],
    type: 'counter',
    help: 'Calls that ended, by how they were judged.',
    points: ({ totals }) =>
      (['succeeded', 'failed', 'ignored'] as const).map((outcome) => ({ labels: { outcome }, value: totals[outcome] })),
  },
  totalCounter(['rejected'], 'rejected', 'Calls that the circuit breaker did not let through.'),
  totalCounter(
    ['shadow', 'rejected'],
    'shadowRejected',
    'Calls that passed only because the policy is in Shadow mode.',
  ),
  totalCounter(['timed', 'out'], 'timedOut', 'Calls that were given up after the time limit; failed ones too.'),
  totalCounter(['slow'], 'slow', 'Calls that took longer than the policy calls slow.'),
  totalCounter(['retried'], 'retried', 'Attempts beyond the first of a call.'),
  totalCounter(['fallback'], 'fallback', 'Calls that were answered by a fallback.'),
];

/** Every breaker of this process with what it is doing. */
export function readings(): BreakerReading[] {
  return [...registry().breakers()].map((breaker: Breaker) => [breaker.name, breaker.stats()] as const);
}

/** How many calls took at most how many seconds, as cumulative buckets; the last one has no bound. */
export function durationBuckets({ latency }: BreakerStats): MetricPoint[] {
  let count = 0;
  return latency.map((calls, i) => {
    count += calls;
    const le = i === latency.length - 1 ? '+Inf' : String(FIRST_BUCKET_SECONDS * 2 ** i);
    return { labels: { le }, value: count };
  });
}

function totalCounter(name: readonly string[], field: keyof BreakerStats['totals'], help: string): MetricDefinition {
  return { name, type: 'counter', help, points: ({ totals }) => [{ labels: {}, value: totals[field] }] };
}

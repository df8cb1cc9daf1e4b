import { latencyBoundMs } from '@fuseboard/schema/defaults';
import type { Breaker, BreakerStats, State } from '../breakers/breaker.ts';
import { registry } from '../breakers/registry.ts';
import type { LinkState } from '../link/link.ts';

/** A value of one breaker, with the labels that distinguish it from other values of its metric. */
export interface MetricPoint {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A metric of breakers. Every exporter exports all of them. */
export interface MetricDefinition {
  /** The words of the name; each exporter joins them in its own style. */
  readonly name: readonly string[];
  /** A gauge has a current value; a counter never decreases. */
  readonly type: 'gauge' | 'counter';
  readonly help: string;
  points(stats: BreakerStats): MetricPoint[];
}

export type BreakerReading = readonly [breaker: string, stats: BreakerStats];

const STATES: readonly State[] = ['closed', 'open', 'half-open'];
export const LINK_STATES: readonly LinkState[] = ['Live', 'Stale', 'LastGood', 'Defaults'];
const boundSeconds = (bucket: number) => latencyBoundMs(bucket) / 1_000;
/** The clock of calls has steps of 5 ms, so smaller bounds would not be accurate. */
const LEAST_BOUND_SECONDS = 0.008;

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
    help: 'Calls that ended, by outcome.',
    points: ({ totals }) =>
      (['succeeded', 'failed', 'ignored'] as const).map((outcome) => ({ labels: { outcome }, value: totals[outcome] })),
  },
  totalCounter(['rejected'], 'rejected', 'Calls that the circuit breaker rejected.'),
  totalCounter(
    ['shadow', 'rejected'],
    'shadowRejected',
    'Calls that passed and would have been rejected in mode Enforce.',
  ),
  totalCounter(
    ['timed', 'out'],
    'timedOut',
    'Calls that reached the timeout of the policy, including those that then failed.',
  ),
  totalCounter(['slow'], 'slow', 'Calls that took longer than slowerThan of the policy.'),
  totalCounter(['retried'], 'retried', 'Attempts after the first one of a call.'),
  totalCounter(['fallback'], 'fallback', 'Calls that were answered by a fallback.'),
];

/** Every breaker of this process, with its state and counts. */
export function readings(): BreakerReading[] {
  return [...registry().breakers()].map((breaker: Breaker) => [breaker.name, breaker.stats()] as const);
}

/** Cumulative buckets of call durations in seconds, from 8 ms on; the last one has no bound. */
export function durationBuckets({ latency }: BreakerStats): MetricPoint[] {
  let count = 0;
  return latency.flatMap((calls, i) => {
    count += calls;
    const bound = boundSeconds(i);
    const le = i === latency.length - 1 ? '+Inf' : String(bound);
    return bound < LEAST_BOUND_SECONDS ? [] : [{ labels: { le }, value: count }];
  });
}

/**
 * The estimated sum of all call durations, in seconds: each call counts as the middle of its bucket, or as the lower
 * bound of the last one.
 */
export function durationSum({ latency }: BreakerStats): number {
  return latency.reduce((sum, calls, i) => {
    const from = i === 0 ? 0 : boundSeconds(i - 1);
    const to = i === latency.length - 1 ? from : boundSeconds(i);
    return sum + (calls * (from + to)) / 2;
  }, 0);
}

function totalCounter(name: readonly string[], field: keyof BreakerStats['totals'], help: string): MetricDefinition {
  return { name, type: 'counter', help, points: ({ totals }) => [{ labels: {}, value: totals[field] }] };
}

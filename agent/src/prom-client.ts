import type { Metric, Registry as PromRegistry } from 'prom-client';
import { linkState } from './agent.ts';
import type { Breaker, BreakerStats } from './breaker.ts';
import type { LinkState } from './link/link.ts';
import { registry } from './registry.ts';

export interface CollectOptions {
  /** What every metric name begins with. Absent: `fuseboard_`. */
  readonly prefix?: string;
}

interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  readonly metricName?: string;
}

type Read = (breakers: readonly (readonly [name: string, stats: BreakerStats])[], name: string) => Sample[];

const STATES = ['closed', 'open', 'half-open'] as const;
const LINK_STATES: readonly LinkState[] = ['Live', 'Stale', 'LastGood', 'Defaults'];
const FIRST_BUCKET_SECONDS = 0.000_125;

/**
 * Registers the metrics of all breakers of this process in a prom-client registry: states, calls by outcome, rejections and
 * durations, and what the breakers run on. They are read at each scrape and cost nothing between scrapes.
 *
 * Throws when the registry already has metrics of these names.
 */
export function collectInto(
  register: Pick<PromRegistry, 'registerMetric'>,
  { prefix = 'fuseboard_' }: CollectOptions = {},
): void {
  const add = (name: string, type: 'gauge' | 'counter' | 'histogram', help: string, read: Read) =>
    register.registerMetric(new Pulled(prefix + name, type, help, read) as unknown as Metric);
  const total = (name: string, help: string, field: keyof BreakerStats['totals']) =>
    add(name, 'counter', help, (breakers) =>
      breakers.map(([breaker, { totals }]) => ({ labels: { breaker }, value: totals[field] })),
    );

  add('breaker_state', 'gauge', 'Whether the circuit breaker is in this state: 1 or 0.', (breakers) =>
    breakers.flatMap(([breaker, stats]) =>
      STATES.map((state) => ({ labels: { breaker, state }, value: stats.state === state ? 1 : 0 })),
    ),
  );
  add('calls_total', 'counter', 'Calls that ended, by how they were judged.', (breakers) =>
    breakers.flatMap(([breaker, { totals }]) =>
      (['succeeded', 'failed', 'ignored'] as const).map((outcome) => ({
        labels: { breaker, outcome },
        value: totals[outcome],
      })),
    ),
  );
  total('rejected_total', 'Calls that the circuit breaker did not let through.', 'rejected');
  total('shadow_rejected_total', 'Calls that passed only because the policy is in Shadow mode.', 'shadowRejected');
  total('timed_out_total', 'Calls that were given up after the time limit; failed ones too.', 'timedOut');
  total('retried_total', 'Attempts beyond the first of a call.', 'retried');
  total('fallback_total', 'Calls that were answered by a fallback.', 'fallback');
  add('call_duration_seconds', 'histogram', 'How long calls took. There is no sum.', (breakers, name) =>
    breakers.flatMap(([breaker, { latency }]) => buckets(breaker, latency, name)),
  );
  add('link_state', 'gauge', 'What the breakers run on, the operator or less: 1 or 0.', () =>
    LINK_STATES.map((state) => ({ labels: { state }, value: linkState() === state ? 1 : 0 })),
  );
}

function buckets(breaker: string, latency: readonly number[], name: string): Sample[] {
  let count = 0;
  const samples = latency.map((calls, i): Sample => {
    count += calls;
    const le = i === latency.length - 1 ? '+Inf' : String(FIRST_BUCKET_SECONDS * 2 ** i);
    return { metricName: `${name}_bucket`, labels: { breaker, le }, value: count };
  });
  return [...samples, { metricName: `${name}_count`, labels: { breaker }, value: count }];
}

/** A metric whose samples exist only while they are read; prom-client's own classes hold counters that can only be added to. */
class Pulled {
  name: string;
  readonly type: string;
  readonly help: string;
  readonly aggregator = 'sum';
  readonly #read: Read;

  constructor(name: string, type: string, help: string, read: Read) {
    this.name = name;
    this.type = type;
    this.help = help;
    this.#read = read;
  }

  get() {
    const breakers = [...registry().breakers()].map((breaker: Breaker) => [breaker.name, breaker.stats()] as const);
    const { name, type, help, aggregator } = this;
    return { name, type, help, aggregator, values: this.#read(breakers, name) };
  }

  /** What a breaker counted is not this metric's to forget. */
  reset(): void {}
}

import type { Metric, Registry as PromRegistry } from 'prom-client';
import { linkState } from '../agent.ts';
import { checkMethods, checkOptions } from '../errors/options.ts';
import {
  type BreakerReading,
  durationBuckets,
  durationSum,
  LINK_STATES,
  METRICS,
  readings,
} from './metric-definitions.ts';

export interface CollectOptions {
  /** Prefix of every metric name. Absent: `fuseboard_`. */
  readonly prefix?: string;
}

interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  readonly metricName?: string;
}

type ReadSamples = (breakers: readonly BreakerReading[], name: string) => Sample[];

/**
 * Registers the metrics of all breakers of this process in a prom-client registry: states, calls by outcome,
 * rejections, durations, and the state of the link. They are computed at each scrape and cost nothing between scrapes.
 *
 * Throws when the registry already has metrics of these names.
 */
export function collectInto(register: Pick<PromRegistry, 'registerMetric'>, options: CollectOptions = {}): void {
  checkMethods('the registry of collectInto', register, 'registerMetric');
  checkOptions('collectInto', options, { prefix: 'string' });
  const { prefix = 'fuseboard_' } = options;
  const add = (name: string, type: 'gauge' | 'counter' | 'histogram', help: string, read: ReadSamples) =>
    register.registerMetric(new PulledMetric(prefix + name, type, help, read) as unknown as Metric);

  for (const { name, type, help, points } of METRICS) {
    add([...name, ...(type === 'counter' ? ['total'] : [])].join('_'), type, help, (breakers) =>
      breakers.flatMap(([breaker, stats]) =>
        points(stats).map(({ labels, value }) => ({ labels: { breaker, ...labels }, value })),
      ),
    );
  }
  add(
    'call_duration_seconds',
    'histogram',
    'How long calls took. The sum is estimated from the buckets.',
    (breakers, name) => breakers.flatMap((reading) => histogram(reading, name)),
  );
  add('link_state', 'gauge', 'Whether the link is in this state (Live, Stale, LastGood or Defaults): 1 or 0.', () =>
    LINK_STATES.map((state) => ({ labels: { state }, value: linkState() === state ? 1 : 0 })),
  );
}

function histogram([breaker, stats]: BreakerReading, name: string): Sample[] {
  const buckets = durationBuckets(stats).map(({ labels, value }) => ({
    metricName: `${name}_bucket`,
    labels: { breaker, ...labels },
    value,
  }));
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels: { breaker }, value: durationSum(stats) },
    { metricName: `${name}_count`, labels: { breaker }, value: buckets.at(-1)!.value },
  ];
}

/** A metric whose samples are computed when it is read. The counter class of prom-client cannot be set to a value. */
class PulledMetric {
  name: string;
  readonly type: string;
  readonly help: string;
  readonly aggregator = 'sum';
  readonly #read: ReadSamples;

  constructor(name: string, type: string, help: string, read: ReadSamples) {
    this.name = name;
    this.type = type;
    this.help = help;
    this.#read = read;
  }

  get() {
    const { name, type, help, aggregator } = this;
    return { name, type, help, aggregator, values: this.#read(readings(), name) };
  }

  /** Does nothing, because the counts belong to the breakers. */
  reset(): void {}
}

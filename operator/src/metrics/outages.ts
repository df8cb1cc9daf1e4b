import type { Clock } from '../core/clock.ts';
import type { Outages } from '../core/outages/outages.ts';
import type { MetricReader } from './reading.ts';

/** The outages of this replica. Labels are namespaces only, so that their number depends on no breaker. */
export function outageMetrics({ gauge, counter }: MetricReader, outages: Outages, clock: Clock): void {
  const lasting = () => [...outages.list()].filter(({ closedAt }) => closedAt === undefined);
  gauge('outages_open', 'Outages that last, on agents of this replica.', ['namespace'], (add) => {
    for (const { namespace } of lasting()) add({ namespace }, 1);
  });
  gauge(
    'outage_refused_calls_per_second',
    'Calls refused in outages that last, over the last ten seconds, on agents of this replica.',
    ['namespace'],
    (add) => {
      for (const outage of lasting()) add({ namespace: outage.namespace }, outage.rates(clock.now()).refused);
    },
  );
  counter('outages', 'Outages that began on agents of this replica.', [], (add) => add({}, outages.begun));
}

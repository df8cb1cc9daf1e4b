import { Gauge, type Registry } from 'prom-client';
import type { Controller } from '../control/controller.ts';
import type { MetricReader } from './reading.ts';

/** Whether this replica leads, and whether it can read the policies. */
export function replicaMetrics({ gauge }: MetricReader, registry: Registry, { replicas, source }: Controller): void {
  new Gauge({
    name: 'leader_election_master_status',
    help: 'Whether this replica is the leader: 1 on exactly one replica.',
    labelNames: ['name'],
    registers: [registry],
    collect() {
      this.set({ name: 'fuseboard' }, replicas.leading ? 1 : 0);
    },
  });
  gauge('source_synced', 'Whether the policies were read at least once.', [], (add) =>
    add({}, source.state().synced ? 1 : 0),
  );
  gauge('source_outage', 'Whether the policies cannot be read right now.', [], (add) =>
    add({}, source.state().unreadable === undefined ? 0 : 1),
  );
  gauge('source_problems', 'Documents or files in the source that cannot be read as a policy.', [], (add) =>
    add({}, source.state().problems.length),
  );
}

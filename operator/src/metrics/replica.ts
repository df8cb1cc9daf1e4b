import { Gauge, type Registry } from 'prom-client';
import type { Controller } from '../control/controller.ts';
import type { MetricReader } from './reading.ts';

/** The certificates of a replica. */
export interface Certificates {
  /** End of the validity of the certificate that is served, in milliseconds since 1970. */
  expires(): number;
  /** How often each was replaced since the process started. */
  readonly changes: Readonly<Record<'certificate' | 'authorities', number>>;
}

/** Whether this replica leads, whether it can read the policies, and how long its certificate is valid. */
export function replicaMetrics(
  { gauge, counter }: MetricReader,
  registry: Registry,
  { replicas, source }: Controller,
  certificates: Certificates | undefined,
): void {
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
  // A gauge without labels shows 0 until it is set: without a certificate there must be none.
  if (certificates === undefined) return;
  gauge(
    'certificate_expiry_timestamp_seconds',
    'End of the validity of the certificate that this replica serves, in seconds since 1970; absent without TLS.',
    [],
    (add) => add({}, certificates.expires() / 1_000),
  );
  counter(
    'certificate_changes',
    'Replacements, without a restart, of the certificate that this replica serves and of the certificate authorities that it gives to new pods.',
    ['what'],
    (add) => {
      for (const [what, value] of Object.entries(certificates.changes)) add({ what }, value);
    },
  );
}

import type { Streams } from '../http/agents/streams.ts';
import type { Audit } from '../http/audit.ts';
import type { MetricReader } from './reading.ts';

/** Traffic on the agents' port, and refused callers on any port. */
export function trafficMetrics(
  { gauge, counter }: MetricReader,
  streams: Streams,
  audit: Audit,
  adminAudit: Audit,
): void {
  const { traffic } = streams;
  gauge('streams', 'Open streams.', [], (add) => add({}, streams.count));
  counter('streams_opened', 'Streams that were opened.', [], (add) => add({}, traffic.opened));
  counter('streams_refused', 'Streams that were refused with 503.', ['reason'], (add) => {
    for (const [reason, value] of Object.entries(traffic.refused)) add({ reason }, value);
  });
  counter('agents_denied', 'Requests of agents that were refused because authentication failed.', ['reason'], (add) => {
    for (const [reason, value] of Object.entries(audit.denied)) add({ reason }, value);
  });
  counter(
    'admin_denied',
    'Requests to the admin API that were refused because the user was not authenticated or not authorized.',
    ['reason'],
    (add) => {
      for (const [reason, value] of Object.entries(adminAudit.denied)) add({ reason }, value);
    },
  );
  counter('commits', 'Sets of policies that were written to streams.', [], (add) => add({}, traffic.commits));
  counter('pushed_bytes', 'Bytes of policies that were written to streams.', [], (add) => add({}, traffic.bytes));
  counter('reports', 'Report parts received.', ['result'], (add) => {
    for (const [result, value] of Object.entries(traffic.reports)) add({ result }, value);
  });
}

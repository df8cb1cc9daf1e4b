import type { OutageRow } from './outage-row.ts';

/**
 * Current outages first, by rejected calls per second, share of agents and age. Then ended outages, the newest first.
 */
export const byImpact = (a: OutageRow, b: OutageRow) =>
  order(a) - order(b) ||
  (a.phase === 'over' ? b.closed! - a.closed! : 0) ||
  b.refusedPerSecond - a.refusedPerSecond ||
  share(b) - share(a) ||
  a.began - b.began ||
  (a.id < b.id ? -1 : 1);

const order = ({ phase }: OutageRow) => (phase === 'over' ? 2 : phase === 'closed' ? 1 : 0);

const share = ({ hit, agents }: OutageRow) => (agents === 0 ? 0 : hit / agents);

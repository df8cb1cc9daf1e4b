import type { Clock } from '../core/clock.ts';
import { type Fleet, GONE_AFTER_MS, STALE_AFTER_MS } from '../core/fleet.ts';
import type { Reading } from './reading.ts';

/** Who is there, and how far behind. */
export function agentMetrics({ gauge }: Reading, fleet: Fleet, clock: Clock): void {
  gauge('agents', 'Agents that this replica knows.', ['namespace', 'state'], (add) => {
    const now = clock.now();
    for (const { identity, heardAt } of fleet.agents()) {
      const silent = now - heardAt;
      const state = silent >= GONE_AFTER_MS ? 'gone' : silent >= STALE_AFTER_MS ? 'stale' : 'live';
      for (const one of ['live', 'stale', 'gone']) add({ namespace: identity.namespace, state: one }, 0);
      add({ namespace: identity.namespace, state }, 1);
    }
  });
  gauge('connected_agents', 'Agents that have a stream to this replica.', ['namespace'], (add) => {
    for (const { identity, streams } of fleet.agents()) {
      add({ namespace: identity.namespace }, streams > 0 ? 1 : 0);
    }
  });
  gauge(
    'agents_behind',
    'Agents whose last report does not name the set of policies that they should run; gone ones are not counted.',
    ['namespace'],
    (add) => {
      const now = clock.now();
      for (const { identity, heardAt, behindSince } of fleet.agents()) {
        const behind = behindSince !== undefined && now - heardAt < GONE_AFTER_MS;
        add({ namespace: identity.namespace }, behind ? 1 : 0);
      }
    },
  );
  gauge(
    'revision_lag_seconds',
    'For how long the agent that is behind longest has been so; 0 when none is behind.',
    ['namespace'],
    (add) => {
      const now = clock.now();
      const longest = new Map<string, number>();
      for (const { identity, heardAt, behindSince } of fleet.agents()) {
        const lag = behindSince === undefined || now - heardAt >= GONE_AFTER_MS ? 0 : now - behindSince;
        longest.set(identity.namespace, Math.max(lag, longest.get(identity.namespace) ?? 0));
      }
      for (const [namespace, lag] of longest) add({ namespace }, lag / 1_000);
    },
  );
}

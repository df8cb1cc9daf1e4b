import type { Clock } from '../core/clock.ts';
import { type Fleet, GONE_AFTER_MS, STALE_AFTER_MS } from '../core/fleet/fleet.ts';
import { CACHE_LIMITS } from '../core/limits/cache-limits.ts';
import type { MetricReader } from './reading.ts';

/** Agents can send any text. */
const MAX_LIBRARIES = CACHE_LIMITS['library-versions'].entries;

interface LibraryCensus {
  readonly language: string;
  readonly version: string;
  agents: number;
}

interface AgentCensus {
  readonly states: { live: number; stale: number; gone: number };
  connected: number;
  behind: number;
  lagMs: number;
}

/** The connected agents, and how far they are behind. */
export function agentMetrics({ gauge }: MetricReader, fleet: Fleet, clock: Clock): void {
  const counted = () => census(fleet, clock.now());
  gauge('agents', 'Agents that this replica knows.', ['namespace', 'state'], (add) => {
    for (const [namespace, { states }] of counted()) {
      for (const [state, agents] of Object.entries(states)) add({ namespace, state }, agents);
    }
  });
  gauge(
    'agent_versions',
    'Agents that this replica knows, by language and version of the library; those of rarer versions are together under other.',
    ['language', 'version'],
    (add) => {
      for (const { language, version, agents } of libraries(fleet, clock.now())) add({ language, version }, agents);
    },
  );
  gauge('connected_agents', 'Agents that have a stream to this replica.', ['namespace'], (add) => {
    for (const [namespace, { connected }] of counted()) add({ namespace }, connected);
  });
  gauge(
    'agents_behind',
    'Agents that have not yet reported the set of policies that they should run; an agent is not counted after 60 s without a report.',
    ['namespace'],
    (add) => {
      for (const [namespace, { behind }] of counted()) add({ namespace }, behind);
    },
  );
  gauge(
    'revision_lag_seconds',
    'The longest time for which an agent has been behind; 0 when no agent is.',
    ['namespace'],
    (add) => {
      for (const [namespace, { lagMs }] of counted()) add({ namespace }, lagMs / 1_000);
    },
  );
}

/**
 * Counts agents in plain numbers first, because incrementing a series for each of many agents would block the process.
 */
function census(fleet: Fleet, now: number): Map<string, AgentCensus> {
  const found = new Map<string, AgentCensus>();
  for (const { identity, heardAt, streams, behindSince } of fleet.agents()) {
    const { namespace } = identity;
    const counts = found.get(namespace) ?? {
      states: { live: 0, stale: 0, gone: 0 },
      connected: 0,
      behind: 0,
      lagMs: 0,
    };
    found.set(namespace, counts);
    const silent = now - heardAt;
    counts.states[silent >= GONE_AFTER_MS ? 'gone' : silent >= STALE_AFTER_MS ? 'stale' : 'live'] += 1;
    if (streams > 0) counts.connected += 1;
    if (behindSince === undefined || silent >= GONE_AFTER_MS) continue;
    counts.behind += 1;
    counts.lagMs = Math.max(counts.lagMs, now - behindSince);
  }
  return found;
}

/** The agents that are not gone, by library: the commonest ones, and all others together. */
function libraries(fleet: Fleet, now: number): LibraryCensus[] {
  const found = new Map<string, LibraryCensus>();
  for (const { identity, heardAt } of fleet.agents()) {
    if (now - heardAt >= GONE_AFTER_MS) continue;
    const { language = 'unknown', version = 'unknown' } = identity;
    const key = JSON.stringify([language, version]);
    const library = found.get(key) ?? { language, version, agents: 0 };
    found.set(key, library);
    library.agents += 1;
  }
  const sorted = [...found].sort(([a, { agents: ofA }], [b, { agents: ofB }]) => ofB - ofA || (a < b ? -1 : 1));
  const listed = sorted.slice(0, MAX_LIBRARIES).map(([, library]) => library);
  const others = sorted.slice(MAX_LIBRARIES).reduce((sum, [, { agents }]) => sum + agents, 0);
  return others === 0 ? listed : [...listed, { language: 'other', version: 'other', agents: others }];
}

import { byImpact } from './order.ts';
import { QUIET_MS } from './outage.ts';
import type { OutagePhase, OutageRow } from './outage-row.ts';

/** The phases, the worst first. */
const PHASES: readonly OutagePhase[] = ['refused', 'testing', 'closed', 'over'];

/**
 * Merges the outages of several replicas, each of which sees only its own agents. Outages of one breaker that overlap,
 * or that follow each other closely enough to be one outage on one replica, become one. The merged outage keeps the id
 * of the earliest part.
 */
export function mergeOutages<T extends OutageRow>(replicas: readonly (readonly T[])[]): T[] {
  const merged: T[] = [];
  const latest = new Map<string, number>();
  for (const row of replicas.flat().sort((a, b) => a.began - b.began)) {
    const at = latest.get(row.circuit);
    const before = at === undefined ? undefined : merged[at]!;
    if (before === undefined || row.began - (before.closed ?? Number.POSITIVE_INFINITY) >= QUIET_MS) {
      latest.set(row.circuit, merged.push(row) - 1);
    } else merged[at!] = together(before, row);
  }
  return merged.sort(byImpact);
}

function together<T extends OutageRow>(a: T, b: T): T {
  const closed = a.closed === undefined || b.closed === undefined ? undefined : Math.max(a.closed, b.closed);
  const { closed: _, held: __, callsPerSecond: ___, ...first } = a;
  // Of two replicas, one may hold only closed circuits: the override that forces open explains the merged outage.
  const held = [a.held, b.held].find((one) => one?.action === (closed === undefined ? 'ForceOpen' : 'ForceClosed'));
  const heard = Math.max(a.heard ?? 0, b.heard ?? 0);
  const services = new Map(a.services.map((one) => [one.service, one]));
  for (const { service, hit, agents } of b.services) {
    const known = services.get(service);
    services.set(service, { service, hit: hit + (known?.hit ?? 0), agents: agents + (known?.agents ?? 0) });
  }
  const uids = new Set(a.actions.map(({ uid }) => uid));
  return {
    ...(first as T),
    phase: PHASES[Math.min(PHASES.indexOf(a.phase), PHASES.indexOf(b.phase))]!,
    ...(closed !== undefined && { closed }),
    refused: a.refused + b.refused,
    fallback: a.fallback + b.fallback,
    ...(held !== undefined && { held }),
    ...(heard > 0 && { heard }),
    ...(a.callsPerSecond !== undefined &&
      b.callsPerSecond !== undefined && { callsPerSecond: a.callsPerSecond + b.callsPerSecond }),
    refusedPerSecond: a.refusedPerSecond + b.refusedPerSecond,
    fallbackPerSecond: a.fallbackPerSecond + b.fallbackPerSecond,
    hit: a.hit + b.hit,
    agents: a.agents + b.agents,
    services: [...services.values()].sort((one, two) => two.hit - one.hit),
    attempts: a.attempts + b.attempts,
    reopened: a.reopened + b.reopened,
    actions: [...a.actions, ...b.actions.filter(({ uid }) => !uids.has(uid))],
  };
}

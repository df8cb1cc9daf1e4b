import { isForced } from './forced.ts';
import { byImpact } from './order.ts';
import { QUIET_MS } from './outage.ts';
import type { OutagePhase, OutageRow } from './outage-row.ts';
import type { HitService } from './saved-outage.ts';

/** The phases, the worst first. */
const PHASES: readonly OutagePhase[] = ['refused', 'testing', 'closed', 'over'];

/**
 * Merges the outages of several replicas, each of which sees only its own agents. Outages of one breaker that overlap,
 * or that follow each other closely enough to be one outage on one replica, become one. The merged outage keeps the id
 * of the earliest part. Forcing a circuit open after an outage, and an outage after that, stay apart: they have other
 * causes.
 */
export function mergeOutages<T extends OutageRow>(replicas: readonly (readonly T[])[]): T[] {
  const merged: T[] = [];
  const latest = new Map<string, number>();
  for (const row of replicas.flat().sort((a, b) => a.began - b.began)) {
    const at = latest.get(row.circuit);
    const before = at === undefined ? undefined : merged[at]!;
    const quietMs = row.began - (before?.closed ?? Number.POSITIVE_INFINITY);
    const isForcedLater = before !== undefined && isForced(row) && !isForced(before) && quietMs >= 0;
    if (before === undefined || quietMs >= QUIET_MS || isForcedLater) {
      latest.set(row.circuit, merged.push(row) - 1);
    } else if (isForced(before) && !isForced(row)) {
      const { ended, current } = apart(before, row);
      merged[at!] = ended;
      latest.set(row.circuit, merged.push(current) - 1);
    } else merged[at!] = together(before, row);
  }
  return merged.sort(byImpact);
}

/**
 * Ends an outage by force with the beginning of the outage that followed, to which the circuits that are still forced
 * open belong from then on.
 */
function apart<T extends OutageRow>(forced: T, following: T): { ended: T; current: T } {
  if (forced.phase === 'over') return { ended: forced, current: following };
  const { held: _, heard: __, ...rest } = forced;
  const closed = Math.min(forced.closed ?? following.began, following.began);
  return {
    ended: { ...(rest as T), phase: 'over', closed },
    current: together(following, { ...forced, refused: 0, fallback: 0, attempts: 0, reopened: 0 }),
  };
}

function together<T extends OutageRow>(a: T, b: T): T {
  const closed = a.closed === undefined || b.closed === undefined ? undefined : Math.max(a.closed, b.closed);
  const { closed: _, held: __, callsPerSecond: ___, ...first } = a;
  // Of two replicas, one may hold only closed circuits: the override that forces open explains the merged outage.
  const held = [a.held, b.held].find((one) => one?.action === (closed === undefined ? 'ForceOpen' : 'ForceClosed'));
  const heard = Math.max(a.heard ?? 0, b.heard ?? 0);
  // While one part lasts, agents whose circuits have closed are not hit any more, and an ended part has none.
  const parts: Pick<OutageRow, 'hit' | 'agents' | 'services'>[] = [a, b].map((one) => {
    if (closed !== undefined || one.closed === undefined) return one;
    if (one.phase === 'over') return { hit: 0, agents: 0, services: [] };
    return { hit: 0, agents: one.agents, services: one.services.map((service) => ({ ...service, hit: 0 })) };
  });
  const services = new Map<string, HitService>();
  for (const { service, hit, agents } of parts.flatMap((one) => one.services)) {
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
    hit: parts[0]!.hit + parts[1]!.hit,
    agents: parts[0]!.agents + parts[1]!.agents,
    services: [...services.values()].filter(({ hit }) => hit > 0).sort((one, two) => two.hit - one.hit),
    attempts: a.attempts + b.attempts,
    reopened: a.reopened + b.reopened,
    actions: [...a.actions, ...b.actions.filter(({ uid }) => !uids.has(uid))],
  };
}

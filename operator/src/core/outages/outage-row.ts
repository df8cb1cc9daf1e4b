import { hitServices, type Outage, type OutageHold } from './outage.ts';
import type { HitService, OutageAction } from './saved-outage.ts';

/**
 * `refused`: a circuit is open. `testing`: no circuit is open, and one is half-open. `closed`: all circuits are closed,
 * and a further opening continues the outage. `over`: all circuits have been closed for `QUIET_MS`.
 */
export const OUTAGE_PHASES = ['refused', 'testing', 'closed', 'over'] as const;
export type OutagePhase = (typeof OUTAGE_PHASES)[number];

/** An outage in the admin API. Times are milliseconds since 1970. */
export interface OutageRow {
  readonly id: string;
  /** The id of its row in `/v1/breakers`. */
  readonly circuit: string;
  readonly namespace: string;
  readonly breaker: string;
  /** The uid of the policy; absent when the defaults in code apply. */
  readonly uid?: string;
  readonly phase: OutagePhase;
  readonly began: number;
  /** When the last circuit closed; absent while one is not closed. */
  readonly closed?: number;
  /** The trip reason of the first circuit; absent when the circuit was open before this replica knew of it. */
  readonly reason?: string;
  /** The first agent whose circuit opened. */
  readonly instance: string;
  /** The failure that opened the first circuit. */
  readonly error?: string;
  /** Rejected calls. `fallback` counts the calls that a fallback answered. */
  readonly refused: number;
  readonly fallback: number;
  readonly refusedPerSecond: number;
  readonly fallbackPerSecond: number;
  /** Calls that circuits let through, per second; absent in answers of versions without it. */
  readonly callsPerSecond?: number;
  /**
   * When the latest report about the breaker arrived; absent once the outage is over. After a restart of the operator
   * it is the time of the latest report before it, until an agent has reported again.
   */
  readonly heard?: number;
  /** The override that holds the circuits open, or closed, now; absent when none does. */
  readonly held?: OutageHold;
  /**
   * Agents whose calls are rejected now, of those with the breaker. After the circuits have closed, the maximum at one
   * time.
   */
  readonly hit: number;
  readonly agents: number;
  readonly services: readonly HitService[];
  /** How often a circuit became half-open. `reopened` counts how often it opened again from there. */
  readonly attempts: number;
  readonly reopened: number;
  readonly actions: readonly OutageAction[];
}

/**
 * @param date converts a time of the clock of `now` to milliseconds since 1970.
 * @param held the override that holds the circuits now.
 */
export function outageRow(
  outage: Outage,
  now: number,
  date: (at: number) => number,
  held?: OutageHold | undefined,
): OutageRow {
  const { id, breakerId, namespace, breaker, uid, began, closedAt, over, subject, reason, instance, error } = outage;
  const rates = over ? { refused: 0, fallback: 0, calls: 0 } : outage.rates(now);
  const current = closedAt === undefined ? subject : undefined;
  const services = current === undefined ? outage.services : hitServices(current.services);
  let hit = 0;
  for (const { notClosed } of current?.services.values() ?? []) hit += notClosed;
  return {
    ...{ id, circuit: breakerId, namespace, breaker },
    ...(uid !== '' && { uid }),
    phase: phaseOf(outage),
    began: date(began),
    ...(closedAt !== undefined && { closed: date(closedAt) }),
    ...(reason !== undefined && { reason }),
    instance,
    ...(error !== undefined && { error }),
    refused: outage.refused,
    fallback: outage.fallback,
    refusedPerSecond: rates.refused,
    fallbackPerSecond: rates.fallback,
    callsPerSecond: rates.calls,
    ...(!over && { heard: date(outage.heardAt) }),
    ...(held !== undefined && { held }),
    hit: current === undefined ? outage.mostHit : hit,
    agents: current === undefined ? outage.mostHitOf : current.agents,
    services,
    attempts: outage.attempts,
    reopened: outage.reopened,
    actions: [...outage.actions],
  };
}

function phaseOf({ over, closedAt, subject }: Outage): OutagePhase {
  if (over) return 'over';
  if (closedAt !== undefined) return 'closed';
  return subject !== undefined && subject.states.open === 0 ? 'testing' : 'refused';
}

/** Whether calls are still refused, or the circuit is still tested. */
export const isLasting = ({ phase }: Pick<OutageRow, 'phase'>) => phase === 'refused' || phase === 'testing';

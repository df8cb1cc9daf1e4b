import type { PolicyStatus } from '@fuseboard/schema';
import type { PolicyCounts } from '../fleet/fleet.ts';
import { instant, msOf } from '../instant.ts';
import { QUIET_MS } from '../outages/outage.ts';

type StatusOutage = NonNullable<PolicyStatus['outage']>;

export interface OutageInput {
  /** The counts of all replicas. */
  readonly counts: Pick<PolicyCounts, 'breakers' | 'open'>;
  /** The outage of the previous status, which may come from an earlier operator process. */
  readonly previous: StatusOutage | undefined;
  /** Whether agents or replicas are missing from the counts, so that nothing follows from zero open breakers. */
  readonly settling: boolean;
  /** Why the first breaker opened; absent when not known here. */
  readonly cause?: string | undefined;
  /** The current time, in milliseconds since 1970. */
  readonly now: number;
}

/** The longest text of a field. */
const MAX_TEXT = 1_024;

/**
 * The outage in the status of a policy, over all replicas. The previous status carries it over restarts of the
 * operator. A breaker in mode Shadow starts none, because it refuses nothing.
 */
export function statusOutage({ counts, previous, settling, cause, now }: OutageInput): StatusOutage | undefined {
  const { open, halfOpen } = counts.breakers;
  const lasting = previous !== undefined && previous.endTime === undefined;
  if (open === 0 && (halfOpen === 0 || !lasting)) {
    return lasting && !settling ? { ...previous, endTime: instant(now) } : previous;
  }
  const recent = previous?.endTime !== undefined && now - msOf(previous.endTime) < QUIET_MS;
  if (previous !== undefined && (lasting || recent)) {
    const { endTime: _, ...rest } = previous;
    return { ...rest, mostOpen: Math.max(previous.mostOpen, open) };
  }
  return {
    startTime: instant(now),
    first: (counts.open[0] ?? 'a breaker on an unknown agent').slice(0, MAX_TEXT),
    ...(cause !== undefined && { cause: cause.slice(0, MAX_TEXT) }),
    mostOpen: open,
  };
}

/** An Event on the policy. */
export interface OutageEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason: 'OutageBegan' | 'OutageEnded';
  readonly message: string;
}

/** What changed between two statuses; undefined when the outage did not begin or end. */
export function outageEvent(
  before: StatusOutage | undefined,
  after: StatusOutage | undefined,
): OutageEvent | undefined {
  if (after === undefined) return undefined;
  if (after.startTime !== before?.startTime) {
    const because = after.cause === undefined ? '' : `: ${after.cause}`;
    return { type: 'Warning', reason: 'OutageBegan', message: `calls are refused: ${after.first} opened${because}` };
  }
  if (after.endTime === undefined || before.endTime !== undefined) return undefined;
  const seconds = Math.round((msOf(after.endTime) - msOf(after.startTime)) / 1_000);
  const message = `no breaker is open; calls were refused for ${seconds} s by up to ${after.mostOpen} open breakers, first ${after.first}`;
  return { type: 'Normal', reason: 'OutageEnded', message };
}

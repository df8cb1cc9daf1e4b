import type { PolicyStatus } from '@fuseboard/schema';
import { count } from '../count.ts';
import type { PolicyCounts } from '../fleet/fleet.ts';
import { instant, msOf } from '../instant.ts';
import { isForced } from '../outages/forced.ts';
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
  // Of a circuit that was forced open and one that opened by itself, the later is another outage.
  const another =
    previous !== undefined &&
    cause !== undefined &&
    isByForce(previous) !== isByForce({ cause }) &&
    (isByForce(previous) || hasEnded(previous));
  if (previous !== undefined && !isOver(previous, now) && !another) {
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

const isByForce = ({ cause }: Pick<StatusOutage, 'cause'>) => isForced({ reason: cause });

/** An Event on the policy. */
export interface OutageEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason: 'OutageBegan' | 'OutageEnded';
  readonly message: string;
}

/** An outage that has an end; it is over once no opening can continue it. */
export type EndedOutage = StatusOutage & { readonly endTime: string };

export const hasEnded = (outage: StatusOutage | undefined): outage is EndedOutage => outage?.endTime !== undefined;

/** Whether the outage ended so long ago that a further opening begins another one. */
export const isOver = (outage: StatusOutage, now: number) => hasEnded(outage) && now - msOf(outage.endTime) >= QUIET_MS;

/** The Event on the policy when an outage begins. */
export function outageBegan({ first, cause }: StatusOutage): OutageEvent {
  const because = cause === undefined ? '' : `: ${cause}`;
  return { type: 'Warning', reason: 'OutageBegan', message: `calls are refused: ${first} opened${because}` };
}

/** The Event on the policy when an outage is over. */
export function outageEnded({ startTime, endTime, mostOpen, first, cause }: EndedOutage): OutageEvent {
  const seconds = Math.round((msOf(endTime) - msOf(startTime)) / 1_000);
  const breakers = `${mostOpen === 1 ? '' : 'up to '}${count(mostOpen, 'open breaker')}`;
  const end = isByForce({ cause }) ? 'it was forced open' : 'no breaker opened again for a minute';
  const message = `${end}; calls were refused for ${seconds} s by ${breakers}, first ${first}`;
  return { type: 'Normal', reason: 'OutageEnded', message };
}

import { DEFAULTS, formatDuration, parseDuration } from '@fuseboard/schema';
import type { Check } from './finding.ts';

const ms = (text: string) => parseDuration(text)!;

/** Checks of the recovery of an open circuit. */
export const RECOVERY_CHECKS: readonly Check[] = [
  ({ trip, recovery, timeout }) => {
    if (trip === undefined || timeout?.duration === undefined) return undefined;
    const { openDuration = DEFAULTS.recovery.openDuration } = recovery ?? {};
    if (ms(openDuration) >= ms(timeout.duration)) return undefined;
    return {
      field: recovery?.openDuration === undefined ? 'timeout.duration' : 'recovery.openDuration',
      message: `the circuit is open for ${openDuration} only, and each probe may hang for ${timeout.duration}: callers wait more than they are spared; open for longer than the timeout`,
    };
  },
  ({ recovery }) => {
    const { backoffFactor = 1, maxOpenDuration } = recovery ?? {};
    if (backoffFactor <= 1 || maxOpenDuration !== undefined) return undefined;
    const { openDuration = DEFAULTS.recovery.openDuration } = recovery ?? {};
    const times = Math.ceil(Math.log(86_400_000 / ms(openDuration)) / Math.log(backoffFactor));
    return {
      field: 'recovery.backoffFactor',
      message: `without maxOpenDuration the open time grows to 24 h after ${times} ${times === 1 ? 'failed attempt' : 'failed attempts in a row'}; set maxOpenDuration`,
    };
  },
  ({ recovery }) =>
    recovery?.honorRetryAfter === true && recovery.maxOpenDuration === undefined
      ? {
          field: 'recovery.honorRetryAfter',
          message:
            'without maxOpenDuration one answer with a long Retry-After keeps the circuit open for up to 24 h; set maxOpenDuration',
        }
      : undefined,
  ({ recovery }) => {
    const {
      openDuration = DEFAULTS.recovery.openDuration,
      maxOpenDuration,
      backoffFactor,
      jitterPercent,
    } = recovery ?? {};
    if (recovery?.honorRetryAfter || maxOpenDuration === undefined || backoffFactor || jitterPercent) return undefined;
    if (ms(maxOpenDuration) <= ms(openDuration)) return undefined;
    return {
      field: 'recovery.maxOpenDuration',
      message: `nothing lengthens the open time of ${openDuration}, so ${maxOpenDuration} is never reached; set backoffFactor, or leave maxOpenDuration out`,
    };
  },
  ({ recovery, timeout }) => {
    const probeTimeout = recovery?.halfOpen?.probeTimeout;
    if (probeTimeout === undefined || timeout?.duration === undefined) return undefined;
    if (ms(probeTimeout) >= ms(timeout.duration)) return undefined;
    return {
      field: 'recovery.halfOpen.probeTimeout',
      message: `a probe is judged a failure after ${probeTimeout}, although a call may take ${timeout.duration}; set it to the timeout or more`,
    };
  },
  ({ recovery, trip, timeout }) => {
    const halfOpen = recovery?.halfOpen;
    if (trip === undefined || timeout !== undefined || halfOpen?.strategy === 'Ramp') return undefined;
    if (halfOpen?.probeTimeout !== undefined) return undefined;
    return {
      field: 'timeout',
      message: `there is none: unless the code limits its calls itself, one that hangs hangs for ever, and such a probe blocks the way back for ${DEFAULTS.recovery.halfOpen.probeTimeout}; set timeout.duration`,
    };
  },
  ({ recovery, concurrency }) => {
    const probes = recovery?.halfOpen?.maxProbes ?? 1;
    if (concurrency === undefined || concurrency.maxConcurrent >= probes) return undefined;
    return {
      field: 'recovery.halfOpen.maxProbes',
      message: `${probes} probes never run at once where concurrency.maxConcurrent is ${concurrency.maxConcurrent}; lower one or raise the other`,
    };
  },
  ({ recovery, trip }) => {
    const halfOpen = recovery?.halfOpen;
    const minimumCalls = trip?.minimumCalls ?? DEFAULTS.trip.minimumCalls;
    if (halfOpen?.evaluate !== 'FailureRate') return undefined;
    const probes = halfOpen.maxProbes ?? DEFAULTS.recovery.halfOpen.maxProbes;
    if (probes >= minimumCalls) return undefined;
    return {
      field: 'recovery.halfOpen.maxProbes',
      message: `${probes === 1 ? 'a single probe is all there is' : `${probes} probes are all there are`}, so the rate is judged over ${probes} and not over minimumCalls (${minimumCalls}); raise maxProbes`,
    };
  },
  ({ recovery, fallback }) => {
    const maxAge = fallback?.maxAge;
    const { openDuration = DEFAULTS.recovery.openDuration } = recovery ?? {};
    if (maxAge === undefined || ms(maxAge) >= ms(openDuration)) return undefined;
    return {
      field: 'fallback.maxAge',
      message: `answers are too old after ${maxAge}, but the circuit stays open for ${openDuration}: for ${formatDuration(ms(openDuration) - ms(maxAge))} of it callers get nothing; allow at least the open time`,
    };
  },
  ({ onUpdate }) =>
    onUpdate === 'Reset'
      ? {
          field: 'onUpdate',
          message:
            'each edit of this policy closes its open circuits and sends the full load to a side that may be down; Preserve keeps them open',
        }
      : undefined,
];

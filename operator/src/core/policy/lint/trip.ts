import { DEFAULTS, fieldsInWords, hasRate, parseDuration, TRIP_CONDITIONS } from '@fuseboard/schema';
import type { Check } from './finding.ts';

const ms = (text: string) => parseDuration(text)!;

/** Few breakers of one process get more calls a second than this, so a policy that needs more may never open. */
const PLENTY_OF_CALLS_PER_SECOND = 100;

/** Checks of the conditions that open a circuit. */
export const TRIP_CHECKS: readonly Check[] = [
  ({ trip, mode }) =>
    trip === undefined && mode !== 'Disabled'
      ? {
          field: 'trip',
          message: `there is none, so the circuit never opens by itself; set ${fieldsInWords()}, or say so with mode: Disabled`,
        }
      : undefined,
  ({ trip }) => {
    const { window, minimumCalls } = trip ?? {};
    if (window?.type !== 'Count' || minimumCalls === undefined || minimumCalls <= window.size!) return undefined;
    return {
      field: 'trip.minimumCalls',
      message: `${minimumCalls} calls never fit in a window of ${window.size}; ${window.size} will do instead, so set minimumCalls to ${window.size} or less, or a larger window.size`,
    };
  },
  ({ trip }) => {
    if (trip === undefined || !hasRate(trip)) return undefined;
    const window = trip.window ?? DEFAULTS.trip.window;
    const { minimumCalls = DEFAULTS.trip.minimumCalls } = trip;
    if (window.type !== 'Time') return undefined;
    const perSecond = minimumCalls / (ms(window.duration!) / 1_000);
    if (perSecond <= PLENTY_OF_CALLS_PER_SECOND) return undefined;
    return {
      field: 'trip.minimumCalls',
      message: `${minimumCalls} calls within ${window.duration} are ${Math.round(perSecond)} a second in each process; with less traffic the rates are never judged; lower minimumCalls or widen the window`,
    };
  },
  ({ trip }) => {
    if (!trip?.failureRate) return undefined;
    const size = trip.window?.type === 'Count' ? trip.window.size! : Number.POSITIVE_INFINITY;
    const calls = Math.min(trip.minimumCalls ?? DEFAULTS.trip.minimumCalls, size);
    const percent = trip.failureRate.thresholdPercent;
    if ((calls * percent) / 100 > 1 || calls === 1) return undefined;
    return {
      field: 'trip.failureRate.thresholdPercent',
      message: `${percent} % of ${calls} calls is reached by a single failure; raise minimumCalls or the threshold`,
    };
  },
  ({ trip }) =>
    trip?.minimumCalls === 1 && hasRate(trip)
      ? {
          field: 'trip.minimumCalls',
          message:
            'with 1, the first call after a quiet time decides alone; ask for more, or use consecutiveFailures: 1 if that is meant',
        }
      : undefined,
  ({ trip }) =>
    trip?.failureRate?.thresholdPercent === 100 &&
    TRIP_CONDITIONS.every(({ field, isRate }) => isRate || trip[field] === undefined)
      ? {
          field: 'trip.failureRate.thresholdPercent',
          message:
            'at 100 a single success in the window keeps the circuit closed; 90 opens in every real outage, and consecutiveFailures needs no window',
        }
      : undefined,
  ({ trip, timeout }) => {
    if (!trip?.slowCallRate || timeout === undefined) return undefined;
    const longest = timeout.adaptive?.max ?? timeout.duration!;
    const { slowerThan } = trip.slowCallRate;
    if (ms(slowerThan) < ms(longest)) return undefined;
    return {
      field: 'trip.slowCallRate.slowerThan',
      message: `calls are given up after ${longest} already, so none that returns is slower than ${slowerThan}; set slowerThan below the timeout`,
    };
  },
  ({ classify }) => {
    const status = classify?.failure?.httpStatus?.find((one) => /^4/.test(one) && one !== '429' && one !== '408');
    if (status === undefined) return undefined;
    return {
      field: 'classify.failure.httpStatus',
      message: `${status} is usually the caller's own mistake; one client that sends bad requests can open the circuit for all others; leave it out unless the dependency sends it when it is ill`,
    };
  },
  ({ classify }) => {
    const { failure, ignore } = classify ?? {};
    for (const list of ['httpStatus', 'errorCodes', 'errorNames'] as const) {
      const both = failure?.[list]?.find((one) => ignore?.[list]?.includes(one));
      if (both === undefined) continue;
      return {
        field: `classify.failure.${list}`,
        message: `${both} is in classify.ignore.${list} too, and ignore wins: it never counts as a failure; keep it in one of the two`,
      };
    }
    return undefined;
  },
];

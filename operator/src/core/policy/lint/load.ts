import { DEFAULTS, formatDuration, parseDuration } from '@fuseboard/schema';
import type { Check } from './finding.ts';

const ms = (text: string) => parseDuration(text)!;

/** A caller that waits longer has usually given up. */
const PATIENCE_MS = 60_000;

/** More retries a second without a budget are as good as no budget in most services. */
const MAX_FREE_RETRIES = 10;

/** Checks of the load and memory use of a policy, and of the agents that it selects. */
export const LOAD_CHECKS: readonly Check[] = [
  ({ retry }) => {
    if (retry === undefined || retry.maxAttempts < 2) return undefined;
    const { budgetPercent = DEFAULTS.retry.budgetPercent } = retry;
    if (budgetPercent < 100) return undefined;
    const times = Math.min(retry.maxAttempts, 1 + budgetPercent / 100);
    return {
      field: 'retry.budgetPercent',
      message: `in an outage retries make up to ${Number(times.toFixed(1))} times the load on a side that is down already; 10 to 20 is usual`,
    };
  },
  ({ retry }) => {
    const { maxAttempts = 1, minPerSecond = DEFAULTS.retry.minPerSecond } = retry ?? {};
    if (maxAttempts < 2 || minPerSecond <= MAX_FREE_RETRIES) return undefined;
    return {
      field: 'retry.minPerSecond',
      message: `in an outage each process makes ${minPerSecond} retries a second whatever budgetPercent says; 1 to ${MAX_FREE_RETRIES} is usual`,
    };
  },
  ({ retry, trip }) => {
    const { maxAttempts = 1, placement = DEFAULTS.retry.placement } = retry ?? {};
    const { consecutiveFailures } = trip ?? {};
    if (consecutiveFailures === undefined || placement === 'InsideBreaker' || maxAttempts < consecutiveFailures) {
      return undefined;
    }
    if (maxAttempts === 1) return undefined;
    return {
      field: 'retry.maxAttempts',
      message: `each attempt passes the breaker, so one call that fails ${consecutiveFailures} times opens it alone; raise trip.consecutiveFailures above ${maxAttempts}, or set placement: InsideBreaker`,
    };
  },
  ({ retry, timeout }) => {
    const limit = timeout?.adaptive?.max ?? timeout?.duration;
    if (retry === undefined || limit === undefined || retry.maxAttempts < 2) return undefined;
    const { initial = DEFAULTS.retry.backoff.initial, factor = DEFAULTS.retry.backoff.factor } = retry.backoff ?? {};
    const max = retry.backoff?.max ?? DEFAULTS.retry.backoff.max;
    let total = retry.maxAttempts * ms(limit);
    for (let i = 0; i < retry.maxAttempts - 1; i += 1) total += Math.min(ms(initial) * factor ** i, ms(max));
    if (total <= PATIENCE_MS) return undefined;
    return {
      field: 'retry.maxAttempts',
      message: `${retry.maxAttempts} attempts of up to ${limit} and the waits between them take up to ${formatDuration(total)}, longer than most callers wait; lower the timeout or the attempts`,
    };
  },
  ({ concurrency }) =>
    concurrency?.adaptive?.minConcurrent === concurrency?.maxConcurrent && concurrency !== undefined
      ? {
          field: 'concurrency.adaptive',
          message: 'the limit never moves, because minConcurrent is maxConcurrent; lower it, or leave adaptive out',
        }
      : undefined,
  ({ concurrency }) =>
    concurrency?.queueTimeout !== undefined && !concurrency.maxQueue
      ? {
          field: 'concurrency.queueTimeout',
          message: 'nobody waits, because maxQueue is 0; set maxQueue, or leave queueTimeout out',
        }
      : undefined,
  ({ concurrency, timeout }) => {
    const { maxQueue = 0, queueTimeout = DEFAULTS.concurrency.queueTimeout } = concurrency ?? {};
    if (maxQueue === 0 || timeout?.duration === undefined || ms(queueTimeout) <= ms(timeout.duration)) return undefined;
    return {
      field: 'concurrency.queueTimeout',
      message: `a call may wait ${queueTimeout} for its turn and then has ${timeout.duration} to run; a queue that is longer than the work hides overload, so wait for less than the timeout`,
    };
  },
  ({ breakers, selector }) => {
    if (!breakers.includes('*')) return undefined;
    const others = breakers.filter((pattern) => pattern !== '*');
    if (others.length > 0) {
      return {
        field: 'breakers',
        message: `"*" takes every name already; ${others.map((one) => `"${one}"`).join(', ')} adds nothing`,
      };
    }
    const narrow = Object.keys(selector?.matchLabels ?? {}).length + (selector?.matchExpressions?.length ?? 0) > 0;
    if (narrow) return undefined;
    return {
      field: 'breakers',
      message:
        '"*" without a selector governs every breaker of the namespace that no other policy names, databases and payments alike; name them, or add a selector',
    };
  },
  ({ breakers }) => {
    const prefixes = breakers
      .filter((pattern) => pattern.endsWith('*') && pattern !== '*')
      .map((one) => one.slice(0, -1));
    for (const pattern of breakers) {
      const prefix = prefixes.find((one) => pattern !== `${one}*` && pattern.startsWith(one));
      if (prefix !== undefined && !breakers.includes('*')) {
        return { field: 'breakers', message: `"${prefix}*" takes "${pattern}" already; leave one of the two out` };
      }
    }
    return undefined;
  },
  ({ mode, fallback }) =>
    mode === 'Disabled' && fallback !== undefined && fallback.type !== 'None'
      ? {
          field: 'mode',
          message:
            'Disabled lets every call pass and judges none, so retry, timeout and fallback rest too; use Shadow to watch first',
        }
      : undefined,
];

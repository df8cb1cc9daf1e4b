import type { Spec } from './replay.ts';

/** The default behaviour of another library, as a policy. */
export interface LibraryDefault {
  readonly spec: Spec;
  /** The source of the numbers, and behaviour that the policy does not cover. */
  readonly source: string;
}

const single = { halfOpen: { maxProbes: 1, successThreshold: 1 } };

/** Defaults of other libraries, by name. */
export const LIBRARY_DEFAULTS: Readonly<Record<string, LibraryDefault>> = {
  resilience4j: {
    spec: {
      trip: {
        window: { type: 'Count', size: 100 },
        minimumCalls: 100,
        failureRate: { thresholdPercent: 50 },
        slowCallRate: { thresholdPercent: 100, slowerThan: '60s' },
      },
      recovery: { openDuration: '60s', halfOpen: { maxProbes: 10, evaluate: 'FailureRate' } },
    },
    source: 'CircuitBreakerConfig of resilience4j 2; it stays open until the first call after the wait',
  },
  hystrix: {
    spec: {
      trip: {
        window: { type: 'Time', duration: '10s' },
        minimumCalls: 20,
        failureRate: { thresholdPercent: 50 },
      },
      recovery: { openDuration: '5s', ...single },
      timeout: { duration: '1s' },
    },
    source: "Hystrix's Configuration page: 20 requests in 10 s, 50 %, sleep window 5 s, timeout 1 s",
  },
  opossum: {
    spec: {
      trip: { window: { type: 'Time', duration: '10s' }, minimumCalls: 1, failureRate: { thresholdPercent: 50 } },
      recovery: { openDuration: '30s', ...single },
      timeout: { duration: '10s' },
    },
    source: 'options of opossum: 50 % in 10 s, volumeThreshold 0, resetTimeout 30 s, timeout 10 s; it opens above 50 %',
  },
  polly: {
    spec: {
      trip: { window: { type: 'Time', duration: '30s' }, minimumCalls: 100, failureRate: { thresholdPercent: 10 } },
      recovery: { openDuration: '5s', ...single },
    },
    source: 'CircuitBreakerStrategyOptions of Polly 8: 10 % of at least 100 in 30 s, break 5 s',
  },
  pybreaker: {
    spec: { trip: { consecutiveFailures: 5 }, recovery: { openDuration: '60s', ...single } },
    source: 'CircuitBreaker of pybreaker: fail_max 5, reset_timeout 60 s',
  },
  fuseboard: {
    spec: { trip: { failureRate: { thresholdPercent: 50 } } },
    source: 'a policy that names the threshold of 50 % only: 20 calls in 10 s, open for 30 s',
  },
};

import type { PolicySpec } from '@fuseboard/schema/types';
import type { Reason } from './reasons.ts';
import * as reasons from './reasons.ts';
import type { Shape } from './sequence.ts';

export type PeerName = 'pybreaker' | 'aiomisc' | 'circuitbreaker' | 'opossum' | 'cockatiel' | 'gobreaker';

/** The same breaker in the words of a library and in ours, and every difference that there may be. */
export interface Case {
  readonly peer: PeerName;
  readonly title: string;
  readonly theirs: object;
  readonly ours: Partial<PolicySpec>;
  readonly shape: Shape;
  readonly reasons: readonly Reason[];
}

const OPEN_MS = 2_000;
const alone = { steps: 120, overlap: 1, openMs: OPEN_MS };
const sideBySide = { ...alone, overlap: 4 };

/** Ten buckets of one tick: where a window begins to count makes no difference then. */
const WINDOW_MS = 1_250;
const rate = { percent: 50, minimum: 6, windowMs: WINDOW_MS };

const recovery = (probes = 1, successes = 1) => ({
  openDuration: '2s',
  halfOpen: { maxProbes: probes, successThreshold: successes, probeTimeout: '24h' },
});
const inARow = (failures: number, probes = 1, successes = 1) => ({
  trip: { consecutiveFailures: failures },
  recovery: recovery(probes, successes),
});
const byRate = (
  window: NonNullable<PolicySpec['trip']>['window'],
  minimumCalls = rate.minimum,
  thresholdPercent = rate.percent,
) => ({
  trip: { window, minimumCalls, failureRate: { thresholdPercent } },
  recovery: recovery(),
});
const timeWindow = { type: 'Time', duration: '1250ms' } as const;

const opossum = {
  timeout: false,
  errorThresholdPercentage: rate.percent,
  volumeThreshold: rate.minimum,
  resetTimeout: OPEN_MS,
  rollingCountTimeout: WINDOW_MS,
  rollingCountBuckets: 10,
};
const opossumReasons = (rate: reasons.Rate) => [
  reasons.notAtThreshold(rate),
  reasons.countsRejections(rate),
  reasons.countsBeforeClose(rate),
  reasons.countsUnderWay(rate),
  reasons.onlyFailuresTrip,
];
const opossumIgnored = [reasons.countsIgnored(rate), reasons.ignoredClosesHalfOpen];
/** A window that outlasts the open time. */
const longRate = { ...rate, windowMs: 10_000 };

/** Ten buckets of one tick for aiomisc. */
const aiomisc = { errorRatio: 0.5, responseTime: 1.25, brokenTime: 2, recoveryTime: 2, passingTime: 1.25 };
const ramp: Partial<PolicySpec> = {
  trip: { window: timeWindow, minimumCalls: 10, failureRate: { thresholdPercent: 50 } },
  recovery: { openDuration: '2s', halfOpen: { strategy: 'Ramp', rampDuration: '2s' } },
};
const aiomiscReasons = [
  reasons.decidesAtNextCall,
  reasons.endsAtNextCall,
  reasons.firstOfRecoveryRejected,
  reasons.closesAtCallAfterRecovery(2_000),
  reasons.opensByBuckets,
];

export const CASES: readonly Case[] = [
  {
    peer: 'pybreaker',
    title: 'fail_max=3, reset_timeout=2',
    theirs: { failMax: 3, resetTimeoutMs: OPEN_MS, successThreshold: 1 },
    ours: inARow(3),
    shape: alone,
    reasons: [reasons.endsAtNextCall, reasons.ignoredClosesHalfOpen, reasons.ignoredEndsRun(3)],
  },
  {
    peer: 'pybreaker',
    title: 'fail_max=2, reset_timeout=2, success_threshold=3, nothing excluded',
    theirs: { failMax: 2, resetTimeoutMs: OPEN_MS, successThreshold: 3 },
    ours: inARow(2, 1, 3),
    shape: { ...alone, ignoredPercent: 0 },
    reasons: [reasons.endsAtNextCall],
  },
  {
    peer: 'circuitbreaker',
    title: 'failure_threshold=3, recovery_timeout=2, every error expected, one call at a time',
    theirs: { failureThreshold: 3, recoveryTimeoutMs: OPEN_MS },
    ours: inARow(3),
    shape: { ...alone, ignoredPercent: 0 },
    reasons: [],
  },
  {
    peer: 'circuitbreaker',
    title: 'the same around tenacity with stop_after_attempt(3): a call counts once, after its last try',
    theirs: { failureThreshold: 3, recoveryTimeoutMs: OPEN_MS, attempts: 3 },
    ours: inARow(3),
    shape: { ...alone, ignoredPercent: 0, attempts: 3 },
    reasons: [],
  },
  {
    peer: 'circuitbreaker',
    title: 'failure_threshold=3, recovery_timeout=2',
    theirs: { failureThreshold: 3, recoveryTimeoutMs: OPEN_MS },
    ours: inARow(3),
    shape: sideBySide,
    reasons: [
      reasons.admitsAllInHalfOpen,
      reasons.lateSuccessCloses,
      reasons.ignoredClosesHalfOpen,
      reasons.ignoredEndsRun(3),
      reasons.lateFailureOpens,
    ],
  },
  {
    peer: 'aiomisc',
    title: 'error_ratio=0.5 over response_time=1.25',
    theirs: aiomisc,
    ours: ramp,
    shape: { ...sideBySide, ignoredPercent: 0 },
    reasons: [...aiomiscReasons, reasons.opensByFewCalls],
  },
  {
    peer: 'aiomisc',
    title: 'the same, beginning with an outage',
    theirs: aiomisc,
    ours: ramp,
    shape: { ...alone, ignoredPercent: 0, failFirst: 10 },
    reasons: [...aiomiscReasons, reasons.opensByFewCalls, reasons.reopensByBuckets],
  },
  {
    peer: 'gobreaker',
    title: 'ConsecutiveFailures >= 3, Timeout 2 s, MaxRequests 1',
    theirs: { consecutiveFailures: 3, timeoutMs: OPEN_MS, maxRequests: 1 },
    ours: inARow(3),
    shape: sideBySide,
    reasons: [reasons.openThroughLastInstant(OPEN_MS), reasons.rejectsInLastInstant(OPEN_MS)],
  },
  {
    peer: 'gobreaker',
    title: 'ConsecutiveFailures >= 2, Timeout 2 s, MaxRequests 2',
    theirs: { consecutiveFailures: 2, timeoutMs: OPEN_MS, maxRequests: 2 },
    ours: inARow(2, 2, 2),
    shape: sideBySide,
    reasons: [
      reasons.openThroughLastInstant(OPEN_MS),
      reasons.rejectsInLastInstant(OPEN_MS),
      reasons.countsProbesInAll,
    ],
  },
  {
    peer: 'gobreaker',
    title: 'half of at least 6 calls since it closed, MaxRequests 1',
    theirs: { minimumCalls: 6, failurePercent: 50, timeoutMs: OPEN_MS, maxRequests: 1 },
    ours: byRate({ type: 'Count', size: 1000 }),
    shape: sideBySide,
    reasons: [reasons.openThroughLastInstant(OPEN_MS), reasons.rejectsInLastInstant(OPEN_MS), reasons.onlyFailuresTrip],
  },
  {
    peer: 'gobreaker',
    title: 'half of at least 6 calls, Interval 1250 ms in buckets of 125 ms, one call at a time',
    theirs: {
      minimumCalls: 6,
      failurePercent: 50,
      intervalMs: WINDOW_MS,
      bucketMs: WINDOW_MS / 10,
      timeoutMs: OPEN_MS,
      maxRequests: 1,
    },
    ours: byRate(timeWindow),
    shape: alone,
    reasons: [
      reasons.openThroughLastInstant(OPEN_MS),
      reasons.rejectsInLastInstant(OPEN_MS),
      reasons.onlyFailuresTrip,
      reasons.countsInBucketOfBeginning(rate),
    ],
  },
  {
    peer: 'opossum',
    title: '50 % of at least 6 calls in 1250 ms, one call at a time',
    theirs: opossum,
    ours: byRate(timeWindow),
    shape: alone,
    reasons: [...opossumIgnored, ...opossumReasons(rate)],
  },
  {
    peer: 'opossum',
    title: '50 % of at least 6 calls in 1250 ms',
    theirs: opossum,
    ours: byRate(timeWindow),
    shape: sideBySide,
    reasons: [...opossumIgnored, ...opossumReasons(rate), reasons.lateSuccessCloses, reasons.lateFailureOpens],
  },
  {
    peer: 'opossum',
    title: '50 % of at least 6 calls in 10 s, one call at a time',
    theirs: { ...opossum, rollingCountTimeout: longRate.windowMs },
    ours: byRate({ type: 'Time', duration: '10s' }),
    shape: { ...alone, ignoredPercent: 0, tickMs: 1_000 },
    reasons: opossumReasons(longRate),
  },
  {
    peer: 'cockatiel',
    title: 'ConsecutiveBreaker(3), halfOpenAfter 2 s, one call at a time',
    theirs: { consecutive: 3, halfOpenAfter: OPEN_MS },
    ours: inARow(3),
    shape: alone,
    reasons: [reasons.endsAtNextCall, reasons.ignoredClosesHalfOpen],
  },
  {
    peer: 'cockatiel',
    title: 'ConsecutiveBreaker(3), halfOpenAfter 2 s',
    theirs: { consecutive: 3, halfOpenAfter: OPEN_MS },
    ours: inARow(3),
    shape: sideBySide,
    reasons: [reasons.endsAtNextCall, reasons.waitsInHalfOpen, reasons.ignoredClosesHalfOpen, reasons.lateFailureOpens],
  },
  {
    peer: 'cockatiel',
    title: 'CountBreaker of 9 at 50 %, one call at a time',
    theirs: { count: { threshold: 0.5, size: 9 }, halfOpenAfter: OPEN_MS },
    ours: byRate({ type: 'Count', size: 9 }, 9),
    shape: alone,
    reasons: [
      reasons.endsAtNextCall,
      reasons.ignoredClosesHalfOpen,
      reasons.onlyFailuresTrip,
      reasons.countsClosingProbe({ percent: 50, minimum: 9, windowMs: Number.POSITIVE_INFINITY }),
    ],
  },
  {
    peer: 'cockatiel',
    title: 'SamplingBreaker of 1250 ms at 50 %, at least 4 calls',
    theirs: { sampling: { threshold: 0.5, duration: WINDOW_MS, minimumRps: 3.2 }, halfOpenAfter: OPEN_MS },
    ours: byRate(timeWindow, 4),
    shape: alone,
    reasons: [
      reasons.endsAtNextCall,
      reasons.ignoredClosesHalfOpen,
      reasons.onlyFailuresTrip,
      reasons.notAtThreshold({ ...rate, minimum: 4 }),
      reasons.countsTooOld({ ...rate, minimum: 4 }),
    ],
  },
];

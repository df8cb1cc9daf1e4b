import { DEFAULTS } from '@fuseboard/schema/defaults';
import { parseDuration } from '@fuseboard/schema/duration';
import type { Section } from './spec-reader.ts';

/** A time limit that follows how long calls take: percentile x (1 + headroom), within bounds. */
export interface AdaptiveConfig {
  readonly percentile: number;
  readonly headroomPercent: number;
  /** With fewer samples, the fixed limit applies, or `maxMs` when there is none. */
  readonly minimumSamples: number;
  readonly minMs: number;
  readonly maxMs: number;
}

export interface RetryConfig {
  /** Including the first one. */
  readonly maxAttempts: number;
  readonly initialMs: number;
  readonly factor: number;
  readonly maxMs: number;
  readonly jitterPercent: number;
  /** Retries as a share of calls. */
  readonly budgetPercent: number;
  /** Retries in a second that need no budget. */
  readonly minPerSecond: number;
  /** Whether all attempts are one call for the circuit, with the outcome of the last one. */
  readonly insideBreaker: boolean;
}

/** Bounds of a limit of concurrent calls that follows how long calls take. */
export interface AdaptiveLimitConfig {
  readonly minConcurrent: number;
  readonly initial: number;
  readonly maxConcurrent: number;
}

interface ConcurrencyConfig {
  readonly maxConcurrent: number;
  /** Absent: the limit is fixed. */
  readonly adaptive?: AdaptiveLimitConfig;
  readonly maxQueue: number;
  readonly queueTimeoutMs: number;
}

/** The fallback of the policy, for calls that opt in. */
type FallbackConfig =
  | { readonly type: 'Static' /** The value as JSON. */; readonly json: string }
  | { readonly type: 'LastSuccess' /** 0: any age. */; readonly maxAgeMs: number };

export interface PerKeyConfig {
  readonly maxKeys: number;
  readonly idleMs: number;
}

/** The settings of a call except those of the circuit and the fixed timeout. Absent ones do not apply. */
export interface CallConfig {
  readonly adaptive?: AdaptiveConfig;
  readonly retry?: RetryConfig;
  readonly concurrency?: ConcurrencyConfig;
  readonly fallback?: FallbackConfig;
  readonly perKey: PerKeyConfig;
}

const MAX_CONCURRENT = 100_000;

/** Reads these settings of a spec. */
export function readCallConfig(root: Section): CallConfig {
  const timeout = root.section('timeout');
  const adaptive = timeout.has('adaptive') ? readAdaptive(timeout.section('adaptive')) : undefined;
  const retry = root.has('retry') ? readRetry(root.section('retry')) : undefined;
  const concurrency = root.has('concurrency') ? readConcurrency(root.section('concurrency')) : undefined;
  const fallback = root.has('fallback') ? readFallback(root.section('fallback')) : undefined;
  const perKey = root.section('perKey');
  return {
    ...(adaptive && { adaptive }),
    ...(retry && { retry }),
    ...(concurrency && { concurrency }),
    ...(fallback && { fallback }),
    perKey: {
      maxKeys: perKey.whole('maxKeys', 10_000, DEFAULTS.perKey.maxKeys),
      idleMs: perKey.duration('idleTimeout', parseDuration(DEFAULTS.perKey.idleTimeout)!),
    },
  };
}

function readAdaptive(section: Section): AdaptiveConfig {
  const absent = DEFAULTS.timeout.adaptive;
  section.require('max');
  const maxMs = section.duration('max', 1);
  return {
    percentile: section.whole('percentile', 99, absent.percentile),
    headroomPercent: section.whole('headroomPercent', 1_000, absent.headroomPercent, 0),
    minimumSamples: section.whole('minimumSamples', 1_000, absent.minimumSamples),
    minMs: Math.min(section.duration('min', parseDuration(absent.min)!), maxMs),
    maxMs,
  };
}

function readRetry(section: Section): RetryConfig {
  const absent = DEFAULTS.retry;
  section.require('maxAttempts');
  const backoff = section.section('backoff');
  const absentInitialMs = parseDuration(absent.backoff.initial)!;
  const absentMaxMs = parseDuration(absent.backoff.max)!;
  const maxMs = backoff.duration('max', Math.max(absentMaxMs, backoff.duration('initial', 0)));
  return {
    maxAttempts: section.whole('maxAttempts', 10, 1),
    initialMs: backoff.duration('initial', Math.min(absentInitialMs, maxMs)),
    factor: backoff.whole('factor', 10, absent.backoff.factor),
    maxMs,
    jitterPercent: backoff.whole('jitterPercent', 100, absent.backoff.jitterPercent, 0),
    budgetPercent: section.whole('budgetPercent', 100, absent.budgetPercent),
    minPerSecond: section.whole('minPerSecond', 1_000, absent.minPerSecond, 0),
    insideBreaker:
      section.choice('placement', ['OutsideBreaker', 'InsideBreaker'], absent.placement) === 'InsideBreaker',
  };
}

function readConcurrency(section: Section): ConcurrencyConfig {
  section.require('maxConcurrent');
  const maxConcurrent = section.whole('maxConcurrent', MAX_CONCURRENT, 1);
  return {
    maxConcurrent,
    ...(section.has('adaptive') ? { adaptive: readAdaptiveLimit(section.section('adaptive'), maxConcurrent) } : {}),
    maxQueue: section.whole('maxQueue', 100_000, DEFAULTS.concurrency.maxQueue, 0),
    queueTimeoutMs: section.duration('queueTimeout', parseDuration(DEFAULTS.concurrency.queueTimeout)!),
  };
}

function readAdaptiveLimit(section: Section, maxConcurrent: number): AdaptiveLimitConfig {
  const absent = DEFAULTS.concurrency.adaptive;
  const minConcurrent = section.whole('minConcurrent', MAX_CONCURRENT, absent.minConcurrent);
  const initial = Math.min(Math.max(absent.initial, minConcurrent), maxConcurrent);
  return { minConcurrent, initial: section.whole('initial', MAX_CONCURRENT, initial), maxConcurrent };
}

function readFallback(section: Section): FallbackConfig | undefined {
  section.require('type');
  const type = section.choice('type', ['None', 'Static', 'LastSuccess'], 'None');
  const value = section.section('static');
  if (section.has('static')) value.require('value');
  const json = value.json('value');
  const maxAgeMs = section.duration('maxAge', 0);
  if (type === 'Static') return { type, json };
  return type === 'LastSuccess' ? { type, maxAgeMs } : undefined;
}

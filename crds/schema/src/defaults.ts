/**
 * What an absent field of a policy means. One table: the descriptions quote it, the agent resolves with it, and the
 * CRD itself writes only `mode` and `onUpdate` into stored objects.
 */
export const DEFAULTS = {
  mode: 'Enforce',
  onUpdate: 'Preserve',
  trip: {
    window: { type: 'Time', duration: '10s' },
    minimumCalls: 20,
  },
  recovery: {
    openDuration: '30s',
    backoffFactor: 1,
    maxOpenDuration: '24h',
    jitterPercent: 0,
    honorRetryAfter: false,
    halfOpen: {
      strategy: 'Probes',
      maxProbes: 1,
      evaluate: 'AnyFailure',
      successThreshold: 1,
      probeTimeout: '30s',
      rampDuration: '10s',
    },
  },
  timeout: { adaptive: { percentile: 95, headroomPercent: 20, minimumSamples: 10, min: '10ms' } },
  retry: {
    backoff: { initial: '100ms', factor: 2, max: '10s', jitterPercent: 25 },
    budgetPercent: 20,
    minPerSecond: 1,
    placement: 'OutsideBreaker',
  },
  concurrency: { adaptive: { minConcurrent: 1, initial: 20 }, maxQueue: 0, queueTimeout: '1s' },
  perKey: { maxKeys: 1_000, idleTimeout: '10m' },
  classify: { failure: { httpStatus: ['5xx'] } },
} as const;

/** A breaker name as given to `getBreaker`. */
export const BREAKER_NAME_PATTERN = '^[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$';

/** A breaker name, a prefix followed by `*`, or `*` for all. */
export const BREAKER_PATTERN = '^(\\*|[A-Za-z0-9][A-Za-z0-9._:/-]{0,126}[A-Za-z0-9._:/*-]?)$';

/** Latency bucket i counts calls under 2^i x 0.125 ms; the last one counts all that are longer. */
export const LATENCY_BUCKETS = 20;

/** The upper end of a latency bucket, in milliseconds. */
export const latencyBoundMs = (bucket: number): number => 2 ** bucket * 0.125;

/** The version of the protocol between operator and agent. A change that an older side cannot ignore raises it. */
export const PROTOCOL = 1;

/** What the stream may carry for one agent before the set is refused whole. */
export const MAX_POLICIES_PER_AGENT = 2_000;
export const MAX_BYTES_PER_AGENT = 4 * 1024 * 1024;
export const MAX_ROUTES_PER_AGENT = 20_000;

/** What an agent takes of overrides: the newest ones. */
export const MAX_OVERRIDES_PER_AGENT = 100;

/** A report lists at most this many transitions of a breaker. */
export const MAX_TRANSITIONS = 20;

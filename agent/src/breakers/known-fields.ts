import type { PolicySpec } from '@fuseboard/schema/types';
import { checkOptions, type Fields as Options } from '../errors/options.ts';
import { unknownField } from '../errors/unknown-field.ts';

/** The fields of an object; `true` marks a field whose content is not checked here. */
type Fields<T> = {
  readonly [K in keyof Required<T>]: NonNullable<T[K]> extends readonly unknown[] | string | number | boolean
    ? true
    : true | Fields<NonNullable<T[K]>>;
};
interface FieldTree {
  readonly [field: string]: true | FieldTree;
}

const matching = { errorNames: true, errorCodes: true, httpStatus: true } as const;

/**
 * The known fields of a policy. An unknown field is ignored in an operator's policy, which may be newer, and refused in
 * code.
 */
export const SPEC_FIELDS = {
  selector: { matchLabels: true, matchExpressions: true },
  breakers: true,
  mode: true,
  trip: {
    window: { type: true, duration: true, size: true, halfLife: true },
    minimumCalls: true,
    failureRate: { thresholdPercent: true },
    slowCallRate: { thresholdPercent: true, slowerThan: true },
    failureCount: true,
    consecutiveFailures: true,
  },
  recovery: {
    openDuration: true,
    backoffFactor: true,
    maxOpenDuration: true,
    jitterPercent: true,
    honorRetryAfter: true,
    halfOpen: {
      strategy: true,
      maxProbes: true,
      evaluate: true,
      successThreshold: true,
      probeTimeout: true,
      rampDuration: true,
    },
  },
  timeout: {
    duration: true,
    adaptive: { percentile: true, headroomPercent: true, minimumSamples: true, min: true, max: true },
  },
  retry: {
    maxAttempts: true,
    backoff: { initial: true, factor: true, max: true, jitterPercent: true },
    budgetPercent: true,
    minPerSecond: true,
    placement: true,
  },
  concurrency: {
    maxConcurrent: true,
    adaptive: { minConcurrent: true, initial: true },
    maxQueue: true,
    queueTimeout: true,
  },
  classify: { failure: matching, ignore: matching },
  fallback: { type: true, static: { value: true }, maxAge: true },
  perKey: { maxKeys: true, idleTimeout: true },
  onUpdate: true,
} as const satisfies Fields<PolicySpec>;

/** Field names of other libraries, each with its equivalent here. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  errorThresholdPercentage: 'trip: { failureRate: { thresholdPercent } }',
  volumeThreshold: 'trip: { minimumCalls }',
  rollingCountTimeout: "trip: { window: { type: 'Time', duration } }",
  resetTimeout: 'recovery: { openDuration }',
  halfOpenAfter: 'recovery: { openDuration }',
  capacity: 'concurrency: { maxConcurrent }',
  errorFilter: 'classify.ignore, or the option classify',
};

/** What follows their names is checked where it is used. */
const OPTIONS: Options = { defaults: ['', () => true], classify: ['', () => true] };

/** Fields that belong into `defaults`. */
const IN_DEFAULTS: Readonly<Record<string, string>> = Object.fromEntries(
  [...Object.keys(SPEC_FIELDS).map((field) => [field, field]), ...Object.entries(ELSEWHERE)].map(([field, place]) => [
    field,
    `defaults: { ${place} }`,
  ]),
);

/**
 * Refuses unknown options of `getBreaker` and unknown fields in its defaults, because a misspelt one would be ignored.
 *
 * @throws {TypeError} that names the field and suggests another.
 */
export function refuseUnknownFields(breaker: string, options: unknown): void {
  checkOptions(`getBreaker of breaker "${breaker}"`, options, OPTIONS, IN_DEFAULTS);
  refuseUnknown(breaker, (options as { defaults?: unknown }).defaults, SPEC_FIELDS, 'defaults');
}

/**
 * Refuses unknown fields of a spec.
 *
 * @throws {TypeError} that names the field.
 */
export function refuseUnknownSpecFields(breaker: string, spec: unknown): void {
  refuseUnknown(breaker, spec, SPEC_FIELDS, 'the spec');
}

function refuseUnknown(breaker: string, value: unknown, fields: FieldTree, path: string): void {
  // The spec parser refuses a value that is not an object, with its path.
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
  for (const [field, inner] of Object.entries(value)) {
    const known = Object.hasOwn(fields, field) ? fields[field] : undefined;
    if (known === undefined) {
      throw new TypeError(unknownField(`${path} of breaker "${breaker}"`, field, Object.keys(fields), ELSEWHERE));
    }
    if (known !== true) refuseUnknown(breaker, inner, known, `${path}.${field}`);
  }
}

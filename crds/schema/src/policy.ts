import { z } from 'zod';
import { BREAKER_PATTERN, DEFAULTS } from './defaults.ts';
import { DURATION_PATTERN } from './duration.ts';
import { mustBeDuration, notADuration, plainText, unknownField } from './plain-text.ts';
import { DURATION_RULE, LABEL_KEY_PATTERN, MAX_SPEC_LEVELS, RULES, tooDeep, violations } from './rules.ts';
import { celOf, DURATION_CEL } from './rules-cel.ts';

export const GROUP = 'fuseboard.dev';
export const VERSION = 'v1alpha1';
export const KIND = 'CircuitBreakerPolicy';
export const PLURAL = 'circuitbreakerpolicies';

/** A spec is refused when its JSON is larger than this many bytes: it travels as one event. */
export const MAX_SPEC_BYTES = 65_536;

const cel = (path: string) => {
  const rules = RULES.filter((rule) => rule.path === path);
  return {
    'x-kubernetes-validations': rules.map((rule) => ({
      rule: celOf(rule),
      message: rule.message,
      ...(rule.field === '' ? {} : { fieldPath: `.${rule.field}` }),
    })),
  };
};

/** A duration, as every field that holds one checks it. */
export const duration = (text: string) =>
  z
    .string({ error: ({ input }) => mustBeDuration(input) })
    .max(32)
    .regex(new RegExp(DURATION_PATTERN), { error: ({ input }) => notADuration(String(input)) })
    .refine(
      (value) => !new RegExp(DURATION_PATTERN).test(value) || (DURATION_RULE.holds as (v: unknown) => boolean)(value),
      DURATION_RULE.message,
    )
    .describe(`${text} A duration such as 250ms, 30s or 1m30s, from 1ms to 24h.`)
    .meta({ 'x-kubernetes-validations': [{ rule: DURATION_CEL, message: DURATION_RULE.message }] });

const percent = (text: string) => z.int().min(1).max(100).describe(text);
const count = (max: number, text: string) => z.int().min(1).max(max).describe(text);
const words = (text: string) => z.array(z.string().min(1).max(256)).max(128).describe(text);

const requirement = z
  .strictObject({
    key: z.string().max(317).regex(new RegExp(LABEL_KEY_PATTERN)).describe('The label that the requirement is about.'),
    operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']).describe('How the label relates to the values.'),
    values: z
      .array(
        z
          .string()
          .max(63)
          .regex(/^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/),
      )
      .max(64)
      .optional()
      .describe('Values for In and NotIn; not allowed with Exists and DoesNotExist.'),
  })
  .describe('One requirement on a label.')
  .meta(cel('selector.matchExpressions[]'));

/** Whom a resource is for: agents by their labels. */
export const selector = z
  .strictObject({
    matchLabels: z
      .record(
        z.string(),
        z
          .string()
          .max(63)
          .regex(/^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/),
      )
      .optional()
      .describe('Labels that an agent must have, each with exactly this value.')
      .meta({ maxProperties: 16, ...cel('selector.matchLabels') }),
    matchExpressions: z.array(requirement).max(16).optional().describe('Requirements on labels; all must hold.'),
  })
  .describe(
    'Which agents in this namespace the policy is for, by their labels. Absent or empty: all of them. A policy with a selector wins over one without.',
  );

/** Names of breakers, prefixes followed by `*`, or `*`. */
export const breakers = (text: string) =>
  z
    .array(
      z.string().max(128).regex(new RegExp(BREAKER_PATTERN), 'must be a breaker name, a prefix followed by *, or *'),
    )
    .min(1)
    .max(64)
    .refine((names) => new Set(names).size === names.length, 'must not name a breaker twice')
    .describe(text)
    .meta({ 'x-kubernetes-list-type': 'set' });

const window = z
  .strictObject({
    type: z
      .enum(['Time', 'Count', 'Ewma'])
      .describe(
        'Time: the calls that ended in the last `duration`. Count: the last `size` calls. Ewma: all calls, each counting half as much after every `halfLife`.',
      ),
    duration: duration('How far back a Time window reaches.').optional(),
    size: count(100_000, 'How many calls a Count window holds.').optional(),
    halfLife: duration(
      'How long it takes in an Ewma window until a call counts half; `minimumCalls` and `failureCount` are compared with the sums of what the calls still count.',
    ).optional(),
  })
  .describe(
    `Which calls the conditions look at. Absent: ${DEFAULTS.trip.window.type}, ${DEFAULTS.trip.window.duration}. The window starts empty after a circuit closes.`,
  )
  .meta(cel('trip.window'));

const slowCallRate = z
  .strictObject({
    thresholdPercent: percent('The share of slow calls, in percent, at which the circuit opens.'),
    slowerThan: duration('A call that takes longer than this is slow, however it ends.'),
  })
  .describe(
    'Opens when the share of slow calls reaches the threshold. Calls in flight that are slow already count too, until they take ten times `slowerThan`. A slow probe is a failure.',
  );

const trip = z
  .strictObject({
    window: window.optional(),
    minimumCalls: count(
      1_000_000,
      `How many calls the window must hold before a rate is evaluated. Absent: ${DEFAULTS.trip.minimumCalls}. In a Count window at most \`size\` calls are required.`,
    ).optional(),
    failureRate: z
      .strictObject({
        thresholdPercent: percent('The share of failures, in percent, at which the circuit opens.'),
      })
      .optional()
      .describe('Opens when the share of failed calls in the window reaches the threshold.'),
    slowCallRate: slowCallRate.optional(),
    failureCount: count(
      1_000_000,
      'Opens when the window holds this many failures, whatever the number of calls.',
    ).optional(),
    consecutiveFailures: count(
      1_000_000,
      'Opens after this many failures in a row. A success ends the row; an ignored outcome does not.',
    ).optional(),
  })
  .describe('When the circuit opens: as soon as any one of the conditions holds. Absent: it never opens by itself.')
  .meta(cel('trip'));

const halfOpen = z
  .strictObject({
    strategy: z
      .enum(['Probes', 'Ramp'])
      .optional()
      .describe(
        `How calls are let through while half-open. Probes: at most \`maxProbes\` at once, all others are rejected at once. Ramp: a share that grows to all over \`rampDuration\`, while the conditions of \`trip\` continue to apply. A change takes effect when the circuit is half-open the next time. Absent: ${DEFAULTS.recovery.halfOpen.strategy}.`,
      ),
    maxProbes: count(
      1_000,
      `How many probes may be in flight at once; with \`evaluate\` FailureRate also how many there are in all. Absent: ${DEFAULTS.recovery.halfOpen.maxProbes}.`,
    ).optional(),
    evaluate: z
      .enum(['AnyFailure', 'FailureRate'])
      .optional()
      .describe(
        `How probes decide. AnyFailure: the first failure opens the circuit again. FailureRate: together, by the rates of \`trip\`, once \`minimumCalls\` of them (at most \`maxProbes\`) have ended. Absent: ${DEFAULTS.recovery.halfOpen.evaluate}.`,
      ),
    successThreshold: count(
      1_000,
      `How many probes must succeed to close the circuit; any failure opens it again. Absent: ${DEFAULTS.recovery.halfOpen.successThreshold}.`,
    ).optional(),
    probeTimeout: duration(
      `A probe that has not ended after this time gives its permit back and counts as a failure. Absent: ${DEFAULTS.recovery.halfOpen.probeTimeout}.`,
    ).optional(),
    rampDuration: duration(
      `How long a Ramp takes until every call passes, from its first call on. The circuit closes when a call ends after that, if any succeeded. Absent: ${DEFAULTS.recovery.halfOpen.rampDuration}.`,
    ).optional(),
  })
  .describe('How a half-open circuit tests whether the dependency is back. Absent: a single probe decides.')
  .meta(cel('recovery.halfOpen'));

const recovery = z
  .strictObject({
    openDuration: duration(
      `How long the circuit stays open before it lets probes through, counted from when it opened. Absent: ${DEFAULTS.recovery.openDuration}.`,
    ).optional(),
    backoffFactor: count(
      10,
      `By how much the open time is multiplied each time the circuit opens again, in whole numbers. It starts over once the circuit stayed closed as long as it last was open. Absent: ${DEFAULTS.recovery.backoffFactor}, always the same time.`,
    ).optional(),
    maxOpenDuration: duration(
      `The longest open time, whatever lengthens it. Absent: ${DEFAULTS.recovery.maxOpenDuration}.`,
    ).optional(),
    jitterPercent: z
      .int()
      .min(0)
      .max(100)
      .describe(
        `Up to how much longer each open time is, by chance, in percent of it, so that many processes do not probe in step. Absent: ${DEFAULTS.recovery.jitterPercent}.`,
      )
      .optional(),
    honorRetryAfter: z
      .boolean()
      .describe(
        `Whether a Retry-After header of the failure that opened the circuit keeps it open longer, up to \`maxOpenDuration\`; it never shortens. Absent: ${DEFAULTS.recovery.honorRetryAfter}.`,
      )
      .optional(),
    halfOpen: halfOpen.optional(),
  })
  .describe('How an open circuit recovers. Absent: the defaults of its fields.')
  .meta(cel('recovery'));

/** @param unlisted what happens to an error that the lists of names and codes do not have. */
const outcomes = (text: string, unlisted = '') =>
  z
    .strictObject({
      errorNames: words(
        `Names of error classes, compared with the \`name\` of the error and of the classes it extends.${unlisted}`,
      ).optional(),
      errorCodes: words(`Values of the \`code\` of an error, such as ECONNREFUSED.${unlisted}`).optional(),
      httpStatus: z
        .array(
          z
            .string()
            .max(3)
            .regex(/^[1-5]([0-9]{2}|xx)$/, 'must be a status such as 503 or a class such as 5xx'),
        )
        .max(64)
        .optional()
        .describe('HTTP statuses such as 503, or classes such as 5xx.'),
    })
    .describe(text);

const classify = z
  .strictObject({
    failure: outcomes(
      'What counts as a failure. Where an outcome has an HTTP status, `httpStatus` alone decides (absent: 5xx). Where it has none, every thrown error is a failure, or, when names or codes are listed here, only those that match; any other then counts as a success.',
      ' An error without an HTTP status that matches neither a name nor a code counts as a success.',
    ).optional(),
    ignore: outcomes('What counts as neither success nor failure; wins over `failure`.').optional(),
  })
  .describe(
    'How outcomes are classified. Absent: every thrown error without an HTTP status is a failure, and so is a 5xx.',
  );

const adaptive = z
  .strictObject({
    percentile: z
      .int()
      .min(1)
      .max(99)
      .optional()
      .describe(
        `The percentile of recent durations that the limit follows. Absent: ${DEFAULTS.timeout.adaptive.percentile}.`,
      ),
    headroomPercent: z
      .int()
      .min(0)
      .max(1_000)
      .optional()
      .describe(
        `What is added to the percentile, in percent of it. Absent: ${DEFAULTS.timeout.adaptive.headroomPercent}.`,
      ),
    minimumSamples: count(
      1_000,
      `How many calls must have ended before the limit follows them; until then it is \`timeout.duration\`, or \`max\` where that is absent. Absent: ${DEFAULTS.timeout.adaptive.minimumSamples}.`,
    ).optional(),
    min: duration(
      `The limit is never less. Absent: ${DEFAULTS.timeout.adaptive.min}, or \`max\` if that is less.`,
    ).optional(),
    max: duration('The limit is never more.'),
  })
  .describe(
    'Lets the limit follow how long calls take: a percentile of the durations of calls that returned lately and some headroom, within bounds. The percentile is estimated, at most 9.1 % or 1 ms too high. A call that times out counts as one that took its limit, so that the limit can grow again. Absent: the limit is fixed.',
  )
  .meta(cel('timeout.adaptive'));

const timeout = z
  .strictObject({
    duration: duration('How long a call may take before it times out and counts as a failure.').optional(),
    adaptive: adaptive.optional(),
  })
  .describe('Ends calls that take too long. Absent: calls have no time limit.')
  .meta(cel('timeout'));

const backoff = z
  .strictObject({
    initial: duration(
      `The wait before the first retry. Absent: ${DEFAULTS.retry.backoff.initial}, or \`max\` if that is less.`,
    ).optional(),
    factor: count(
      10,
      `Each further wait is this many times the one before. Absent: ${DEFAULTS.retry.backoff.factor}.`,
    ).optional(),
    max: duration(
      `No wait is longer; where the dependency asks for a longer one (Retry-After), there is no retry. Absent: ${DEFAULTS.retry.backoff.max}, or \`initial\` if that is more.`,
    ).optional(),
    jitterPercent: z
      .int()
      .min(0)
      .max(100)
      .optional()
      .describe(
        `Each wait is longer by a random share of itself, up to this many percent. Absent: ${DEFAULTS.retry.backoff.jitterPercent}.`,
      ),
  })
  .describe(
    'How long to wait before a retry. A Retry-After header of the failure makes a wait longer. Absent: the defaults of its fields.',
  )
  .meta(cel('retry.backoff'));

const retry = z
  .strictObject({
    maxAttempts: count(10, 'How many attempts a call has in all; the first one counts, 1 never retries.'),
    backoff: backoff.optional(),
    budgetPercent: percent(
      `Retries as a percentage of calls, for each breaker in each process; \`minPerSecond\` are allowed in any case. Absent: ${DEFAULTS.retry.budgetPercent}.`,
    ).optional(),
    minPerSecond: z
      .int()
      .min(0)
      .max(1_000)
      .optional()
      .describe(
        `How many retries are allowed in a second when the budget is used up, so that a breaker with few calls can retry too; 0: none. Absent: ${DEFAULTS.retry.minPerSecond}.`,
      ),
    placement: z
      .enum(['OutsideBreaker', 'InsideBreaker'])
      .optional()
      .describe(
        `OutsideBreaker: each attempt passes the breaker and counts. InsideBreaker: the breaker sees one call, with the outcome of its last attempt. Absent: ${DEFAULTS.retry.placement}.`,
      ),
  })
  .describe(
    'Retries failed calls. A rejection, a refusal of `concurrency`, a call that its caller aborted and an ignored outcome are never retried, and nothing is retried once the circuit is open. Absent: no retries.',
  );

const adaptiveLimit = z
  .strictObject({
    minConcurrent: count(
      100_000,
      `The limit is never less. Absent: ${DEFAULTS.concurrency.adaptive.minConcurrent}.`,
    ).optional(),
    initial: count(
      100_000,
      `The limit before anything was learned. Absent: ${DEFAULTS.concurrency.adaptive.initial}, or the nearest within the bounds.`,
    ).optional(),
  })
  .describe(
    'Lets the limit follow how long successful calls take, between `minConcurrent` and `maxConcurrent`: lower when they take 1.5 times as long as without load, higher while most of it is used. A call that timed out counts as one that took its limit. To measure the dependency without load, half of the limit applies for one eighth of the calls. Absent: the limit is fixed.',
  )
  .meta(cel('concurrency.adaptive'));

const concurrency = z
  .strictObject({
    maxConcurrent: count(
      100_000,
      'How many calls may be in flight at once, in each process. A call that timed out counts until its function has ended. With `adaptive`, the upper bound of the limit.',
    ),
    adaptive: adaptiveLimit.optional(),
    maxQueue: z
      .int()
      .min(0)
      .max(100_000)
      .optional()
      .describe(
        `How many more calls may wait for one to end, first come, first served; all others are refused at once. Absent: ${DEFAULTS.concurrency.maxQueue}.`,
      ),
    queueTimeout: duration(
      `How long a call may wait in the queue before it is refused. Absent: ${DEFAULTS.concurrency.queueTimeout}.`,
    ).optional(),
  })
  .describe(
    'Limits how many calls are in flight at once. A refused call counts as ignored, because it carries no information about the dependency. Absent: no limit.',
  )
  .meta(cel('concurrency'));

const fallback = z
  .strictObject({
    type: z
      .enum(['None', 'Static', 'LastSuccess'])
      .describe(
        'None: no answer. Static: the value in `static`. LastSuccess: the last result that the same process got for the same key.',
      ),
    static: z
      .strictObject({
        value: z
          .unknown()
          .describe(
            `Any JSON; the spec may nest ${MAX_SPEC_LEVELS} levels deep. The code of the service checks it before it is used.`,
          )
          .meta({ 'x-kubernetes-preserve-unknown-fields': true }),
      })
      .optional()
      .describe('The answer of Static.'),
    maxAge: duration('How old an answer of LastSuccess may be. Absent: any age.').optional(),
  })
  .describe(
    'Answers calls that were rejected, refused or failed. Applies only where the code opted in with `policyFallback`; a fallback in code wins. Absent: none.',
  )
  .meta(cel('fallback'));

const perKey = z
  .strictObject({
    maxKeys: count(
      10_000,
      `How many keys of a breaker have a circuit of their own. Keys beyond them share one. Absent: ${DEFAULTS.perKey.maxKeys}.`,
    ).optional(),
    idleTimeout: duration(
      `A key whose circuit is closed and was not used for this time makes room for others. Absent: ${DEFAULTS.perKey.idleTimeout}.`,
    ).optional(),
  })
  .describe('Bounds of the circuits that code asks for with `breaker.for(key)`. Absent: the defaults of its fields.');

/** The spec of a CircuitBreakerPolicy, field by field; `parsePolicySpec` also applies the rules across fields. */
export const PolicySpecFields = z
  .strictObject({
    selector: selector.optional(),
    breakers: breakers(
      'Which breakers the policy governs: names as given to getBreaker; one trailing * makes a prefix, * alone is all. An exact name wins over a prefix, a longer prefix over a shorter.',
    ),
    mode: z
      .enum(['Enforce', 'Shadow', 'Disabled'])
      .default(DEFAULTS.mode)
      .describe(
        `Enforce: an open circuit rejects calls. Shadow: the circuit opens and closes, and counts what it would have rejected, but every call passes. Disabled: calls pass and are counted. Absent: ${DEFAULTS.mode}.`,
      ),
    trip: trip.optional(),
    recovery: recovery.optional(),
    timeout: timeout.optional(),
    retry: retry.optional(),
    concurrency: concurrency.optional(),
    classify: classify.optional(),
    fallback: fallback.optional(),
    perKey: perKey.optional(),
    onUpdate: z
      .enum(['Preserve', 'Reset'])
      .default(DEFAULTS.onUpdate)
      .describe(
        `What an edit of this policy does to its breakers. Preserve: state and samples are kept and the new values apply from the next outcome. Reset: the breakers start closed and empty. Absent: ${DEFAULTS.onUpdate}.`,
      ),
  })
  .describe('The desired state: which breakers of which agents it governs, and their settings.')
  .meta(cel(''));

/** A reason why a spec is refused: the dotted path of the field (from `spec`), and what is wrong with it. */
export interface SpecProblem {
  readonly field: string;
  readonly message: string;
}

/**
 * Checks a spec as the API server would, and more: single fields, rules across fields, size and depth as JSON.
 *
 * @returns every problem found; empty when the spec is valid.
 */
export function specProblems(spec: unknown): SpecProblem[] {
  const deep = tooDeep(spec);
  if (deep !== undefined) return [{ field: 'spec', message: deep }];
  const found = fieldProblems(PolicySpecFields, spec);
  if (found.length > 0) return found;
  const bytes = new TextEncoder().encode(JSON.stringify(spec)).length;
  const size =
    bytes > MAX_SPEC_BYTES
      ? [{ field: 'spec', message: `is ${bytes} bytes as JSON; the limit is ${MAX_SPEC_BYTES}; list fewer names` }]
      : [];
  return [...violations(spec as object).map(({ field, message }) => ({ field: `spec.${field}`, message })), ...size];
}

/** What a schema refuses in the single fields of a spec; each unknown field is a problem of its own. */
export function fieldProblems(schema: z.ZodType, spec: unknown): SpecProblem[] {
  const known = new Map<string, readonly string[]>();
  const parsed = schema.safeParse(spec, {
    error: (issue) => {
      if (issue.code !== 'unrecognized_keys') return plainText(issue);
      known.set(dotted(issue.path ?? []), Object.keys((issue.inst as z.ZodObject).shape));
      return undefined;
    },
  });
  if (parsed.success) return [];
  return parsed.error.issues.flatMap((issue) => {
    const field = dotted(issue.path);
    if (issue.code !== 'unrecognized_keys') return [{ field, message: issue.message }];
    return issue.keys.map((key) => ({ field: `${field}.${key}`, message: unknownField(key, known.get(field)!) }));
  });
}

/** The dotted path of a field, from `spec`. */
export function dotted(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, step) => (typeof step === 'number' ? `${text}[${step}]` : `${text}.${String(step)}`),
    'spec',
  );
}

import { z } from 'zod';
import {
  BREAKER_NAME_PATTERN,
  LATENCY_BUCKETS,
  MAX_OVERRIDES_PER_AGENT,
  MAX_TRANSITIONS,
  PROTOCOL,
} from './defaults.ts';
import { OVERRIDE_ACTIONS } from './override.ts';

/** A part of a report is refused when its body is larger. */
export const MAX_REPORT_BYTES = 65_536;

const text = (max: number) => z.string().max(max);
const counter = z.int().min(0);
const revision = text(64);
/** Milliseconds; three hundred years are longer than any process runs. */
const elapsed = z.number().min(0).max(1e13);

const asOf = z
  .object({
    policies: z
      .string()
      .regex(/^[0-9]{1,20}$/)
      .optional(),
    overrides: z
      .string()
      .regex(/^[0-9]{1,20}$/)
      .optional(),
  })
  .describe(
    "The resourceVersions of the replica's caches: decimal strings, compared as integers. Absent from a folder of files.",
  );

/** `event: hello`, the first of a stream. */
export const HelloSchema = z
  .object({
    protocol: z.int().describe('The version of the protocol that the operator speaks.'),
    reportUrl: z.string().optional().describe('Where this replica takes reports. Absent: where the stream was opened.'),
    heartbeatMs: z.int().describe('How often a heartbeat comes; three missed ones are a dead stream.'),
  })
  .describe('The first event of a stream.');

/** `event: begin`: what follows up to `commit` is applied at once or not at all. */
export const BeginSchema = z
  .object({
    kind: z.enum(['snapshot', 'patch']),
    base: revision.optional().describe('The revision that a patch builds on.'),
    revision,
    asOf: asOf.optional(),
    now: z.int().describe("The operator's wall clock, milliseconds since 1970."),
    reset: z.boolean().optional().describe('The floors that the agent holds are void; only a snapshot may say so.'),
  })
  .describe('The beginning of a change.');

/** `event: policy`: a policy as its source gave it, or the order to keep what runs under this uid. */
export const PolicyEventSchema = z
  .object({
    uid: text(64),
    generation: z.int().min(0),
    name: text(253).optional(),
    spec: z.unknown().optional().describe('The spec exactly as the source gave it. Absent with hold.'),
    hold: z.literal(true).optional().describe('This generation cannot be used: keep what runs under this uid.'),
  })
  .describe('One policy.');

/** `event: override`: what somebody decided for some breakers until its end, whatever their policies say. */
export const OverrideEventSchema = z
  .object({
    uid: text(64),
    name: text(253),
    breakers: z.array(text(128)).max(64).describe('Names, prefixes with a trailing `*`, or `*`.'),
    action: z.enum(OVERRIDE_ACTIONS),
    reason: text(256),
    createdAt: z.int().describe('Of two that name a breaker the newer one holds. Milliseconds since 1970.'),
    expiresAt: z.int().describe('When it ends, on the clock of `now` in `begin`. Milliseconds since 1970.'),
  })
  .describe('One override. Its uid never comes with another content.');

export const RemoveSchema = z.object({ uid: text(64) }).describe('A policy or an override that is gone.');

export const RoutesSchema = z
  .array(z.tuple([text(128), text(64)]))
  .describe('Name or prefix to uid, in order: the first match wins. Always whole.');

export const CommitSchema = z
  .object({ revision })
  .describe('The end of a change; the id of the event is the revision.');

export const InSyncSchema = z
  .object({ revision, asOf: asOf.optional(), now: z.int() })
  .describe('The agent already has this revision.');

export const HeartbeatSchema = z.object({ asOf: asOf.optional(), now: z.int() }).describe('The stream is alive.');

export const GoawaySchema = z
  .object({ reconnectAfterMs: z.int().min(0) })
  .describe('This stream ends; reconnect after this time.');

/** States of a breaker, spelled the same in code, wire, logs and labels. */
export const BREAKER_STATES = ['closed', 'open', 'half-open'] as const;

const state = z.enum(BREAKER_STATES);

export const TotalsSchema = z
  .object({
    succeeded: counter,
    failed: counter,
    ignored: counter,
    slow: counter,
    timedOut: counter,
    rejected: counter,
    shadowRejected: counter,
    retried: counter,
    fallback: counter,
  })
  .describe('What a breaker counted since its process began; never runs backwards for a boot.');

const latency = z
  .array(counter)
  .max(LATENCY_BUCKETS)
  .describe(
    'Bucket i counts the calls under 2^i x 0.125 ms that no smaller bucket counts; the last one the rest. Trailing zeros may be left out. Cumulative like totals.',
  );

export const LastErrorSchema = z
  .object({
    name: text(128).describe('The class of the error, or `Response` for an answer of HTTP.'),
    message: text(512).describe('Its message and that of its innermost cause, cut after 200 UTF-16 units.'),
  })
  .describe('What a failure was, for people.');

export const BreakerReportSchema = z
  .object({
    name: z.string().regex(new RegExp(BREAKER_NAME_PATTERN)),
    key: text(256)
      .optional()
      .describe(
        'The key of `for(key)`; `*` is the circuit that keys share when there are too many. Told of as long as its circuit is not closed, and of the busiest others. Absent: the breaker itself, whose totals hold those of all its keys.',
      ),
    uid: text(64).optional().describe('The policy that governs it. Absent: the defaults of the code.'),
    state,
    override: text(64).optional().describe('The override that holds it in its state.'),
    optedIn: z
      .boolean()
      .optional()
      .describe(
        'Whether any call so far let the fallback of the policy answer. Absent: the policy has none, or there was no call yet, or `key` is there.',
      ),
    shadow: z.boolean().optional().describe('The state is that of a breaker in Shadow mode: it rejects nothing.'),
    since: elapsed.describe('Milliseconds since the state was entered.'),
    lastError: LastErrorSchema.optional().describe(
      'What the last failure was. Absent: the circuit is closed, or it is not known.',
    ),
    totals: TotalsSchema,
    base: TotalsSchema.optional().describe('The totals at the last report that was answered. Absent: all zero.'),
    latency: latency.optional(),
    baseLatency: latency.optional(),
    transitions: z
      .array(z.object({ from: state, to: state, agoMs: elapsed, reason: text(64) }))
      .max(MAX_TRANSITIONS)
      .optional()
      .describe('Changes of state since the last answered report, oldest first.'),
  })
  .describe('One breaker of an agent.');

export const RejectionSchema = z
  .object({ uid: text(64), generation: z.int().min(0), field: text(512), message: text(1024) })
  .describe('A policy that the agent cannot use; it keeps the version before.');

export const GuardedSchema = z
  .object({
    uid: text(64).describe('The policy or the override.'),
    by: text(64).describe('The field of the guard: `maxOpenDuration`, `minTimeout` or `neverForceOpen`.'),
    limit: text(64).optional().describe('The duration in that field. Absent: the field has none.'),
  })
  .describe('What the agent does not run as the policy or override says, because the code of the service limits it.');

/** How many entries of `guarded` a report has at most. */
export const MAX_GUARDED = 100;

/** The body of `POST /v1/report`. */
export const ReportSchema = z
  .object({
    protocol: z.int(),
    service: text(253),
    instance: text(512),
    boot: z
      .string()
      .regex(/^[0-9a-f]{32}$/)
      .describe('128 random bits for each process.'),
    sequence: z.int().min(1).describe('One more with each report; the parts of a report share it.'),
    part: z.int().min(1).max(1_000),
    parts: z.int().min(1).max(1_000),
    revision: revision.optional().describe('What the agent runs. Absent: nothing from the operator yet.'),
    appliedAgoMs: elapsed.optional().describe('With a new revision: how long ago it was applied.'),
    rejections: z.array(RejectionSchema).max(100),
    overrides: z
      .array(text(64))
      .max(MAX_OVERRIDES_PER_AGENT)
      .optional()
      .describe('The overrides that this process applies, in its first part. Absent: it knows none.'),
    guarded: z
      .array(GuardedSchema)
      .max(MAX_GUARDED)
      .optional()
      .describe('What a guard in the code of the service changes, in the first part. Absent: nothing.'),
    breakers: z.array(BreakerReportSchema).max(1_000),
    bye: z.boolean().optional().describe('The process ends.'),
  })
  .describe('What an agent says about itself; also the acknowledgement of what it applied.');

/** The body of every answer that is a refusal. */
export const ProblemSchema = z
  .object({ error: z.string().describe('What is wrong, with which part, and what to do.') })
  .describe('Why a request is not answered.');

/** The query of `GET /v1/stream`. `labels` and `since` are lists such as `k=v,k2=v2`. */
export const StreamQuerySchema = z
  .object({
    protocol: z.coerce.number().int().default(PROTOCOL),
    service: text(253).min(1),
    instance: text(512).min(1),
    boot: z.string().regex(/^[0-9a-f]{32}$/),
    labels: text(8_192).default(''),
    since: text(128).default('').describe('The highest asOf that the agent has seen: policies=123,overrides=45.'),
    namespace: text(63).optional().describe('Believed only without agent authentication.'),
    language: text(32).optional().describe('The language of the service: `node`, `python`. Absent: not known.'),
    version: text(64).optional().describe('The version of the agent. Absent: not known.'),
    runtime: text(64).optional().describe('The version of Node or Python. Absent: not known.'),
  })
  .describe('How an agent introduces itself.');

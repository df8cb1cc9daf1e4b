import { z } from 'zod';
import { breakers, duration, fieldProblems, type SpecProblem, selector } from './policy.ts';
import { RULES, type Rule, rule, violations } from './rules.ts';
import { celOf } from './rules-cel.ts';
import { condition, counter } from './status.ts';

interface OverrideEnd {
  reason?: string;
  expiresAt?: unknown;
  duration?: unknown;
}

/** The rules across fields of an override; those of its selector are among the rules of a policy. */
export const OVERRIDE_RULES: readonly Rule[] = [
  rule<OverrideEnd>(
    '',
    'reason',
    'an override needs a reason; say in a few words why',
    ({ reason }) => reason !== undefined && reason.trim() !== '',
  ),
  rule<OverrideEnd>(
    '',
    'expiresAt',
    'an override needs an end; give expiresAt or duration',
    ({ expiresAt, duration }) => expiresAt !== undefined || duration !== undefined,
  ),
  rule<OverrideEnd>(
    '',
    'duration',
    'an override has one end; give expiresAt or duration, not both',
    ({ expiresAt, duration }) => expiresAt === undefined || duration === undefined,
  ),
];

export const OVERRIDE_KIND = 'CircuitBreakerOverride';
export const OVERRIDE_PLURAL = 'circuitbreakeroverrides';

/** What an override does to a breaker. */
export const OVERRIDE_ACTIONS = ['ForceOpen', 'ForceClosed', 'Reset'] as const;

/** Names who made an override through the admin API, which acts for a person. */
export const CREATED_BY = 'fuseboard.dev/created-by';

/** Condition types of an override, and the reasons each may carry. */
export const OVERRIDE_CONDITION_REASONS = {
  Applied: ['Applied', 'Pending', 'NoAgents', 'PartiallyApplied', 'Invalid', 'Ended'],
  Ready: ['Applied', 'NoAgents', 'Ended', 'Pending', 'PartiallyApplied', 'Invalid'],
  Reconciling: ['Pending', 'PartiallyApplied'],
  Stalled: ['Invalid'],
} as const;

/** RFC 3339, as the API server takes a date-time. */
const INSTANT = /^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?([Zz]|[+-][0-9]{2}:[0-9]{2})$/;

/** The spec of a CircuitBreakerOverride, field by field; `overrideProblems` also applies the rules across fields. */
export const OverrideSpecFields = z
  .strictObject({
    breakers: breakers(
      'Which breakers it acts on: names as given to getBreaker; one trailing * makes a prefix, * alone is all.',
    ),
    selector: selector
      .describe('Which agents in this namespace it selects, by their labels. Absent or empty: all of them.')
      .optional(),
    action: z
      .enum(OVERRIDE_ACTIONS)
      .describe(
        'ForceOpen: the breakers reject every call, in every mode; after its end they are half-open and test the dependency. ForceClosed: every call passes and is recorded, and nothing opens the breakers; after its end their policies apply again. Reset: each process that receives it before its end closes the breakers once, with nothing recorded; breakers that a ForceOpen or ForceClosed holds stay as they are.',
      ),
    reason: z
      .string()
      .max(256)
      .optional()
      .describe('The reason. Required. It is shown with the breakers, in Events and in logs.'),
    expiresAt: z
      .string()
      .max(64)
      .regex(INSTANT, 'must be a time such as 2026-01-31T18:00:00Z')
      .refine((text) => !INSTANT.test(text) || !Number.isNaN(Date.parse(text)), 'must be a valid date and time')
      .optional()
      .describe(
        'When it ends, such as 2026-01-31T18:00:00Z: after its creation and at most 24h later. Either this or `duration` is required.',
      )
      .meta({ format: 'date-time' }),
    duration: duration('How long it lasts, from its creation on. Either this or `expiresAt` is required.').optional(),
  })
  .describe(
    'The desired state: the action, the breakers and agents it selects, its end and its reason. It cannot be edited: delete the override and make another one.',
  )
  .meta({
    'x-kubernetes-validations': [
      ...OVERRIDE_RULES.map((rule) => ({ rule: celOf(rule), message: rule.message, fieldPath: `.${rule.field}` })),
      { rule: 'self == oldSelf', message: 'an override cannot be edited; delete it and make another one' },
    ],
  });

/** The status that the operator writes to an override. */
export const OverrideStatusFields = z
  .strictObject({
    phase: z
      .enum(['Active', 'Ended', 'Invalid'])
      .optional()
      .describe(
        'Active: agents apply it, or will when they receive it. Ended: its time is over. Invalid: the operator cannot use it, and `Applied` says why.',
      ),
    expiresAt: z
      .string()
      .meta({ format: 'date-time' })
      .optional()
      .describe('When it ends or ended: `spec.expiresAt`, or its creation and `spec.duration`.'),
    agents: z
      .strictObject({
        matched: counter('Agents that it selects.'),
        applied: counter('Agents that report that they apply it.'),
        stale: counter('Agents that have been silent for more than 30 s.'),
        summary: z.string().max(64).describe('Applied and matched agents as k/n.'),
      })
      .optional()
      .describe('Which agents apply it. After its end: which agents applied it at the end.'),
    conditions: z
      .array(condition(OVERRIDE_CONDITION_REASONS, 'override'))
      .max(32)
      .optional()
      .describe(
        'Applied: every live agent that it selects applies it. Ready: applied, without agents, or over. Reconciling, only while it holds: agents are still to apply it. Stalled, only while it holds: the spec cannot be used.',
      )
      .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] }),
  })
  .describe('The observed state, written by the operator.');

/** The rules that an override must keep: its own, and those of a selector. */
const ALL_RULES = [...RULES.filter(({ path }) => path.startsWith('selector.')), ...OVERRIDE_RULES];

/**
 * Checks the spec of an override as the API server would, its end in the past excepted: single fields, and rules across
 * fields.
 *
 * @returns every problem found; empty when the spec is valid.
 */
export function overrideProblems(spec: unknown): SpecProblem[] {
  const found = fieldProblems(OverrideSpecFields, spec);
  if (found.length > 0) return found;
  return violations(spec as object, ALL_RULES).map(({ field, message }) => ({ field: `spec.${field}`, message }));
}

import { z } from 'zod';

/** Condition types of a policy, and the reasons each may carry. */
export const CONDITION_REASONS = {
  Accepted: ['Valid', 'Invalid', 'Conflicted'],
  Programmed: ['Programmed', 'Pending', 'NoAgents', 'AgentsGone', 'PartiallyProgrammed', 'Rejected'],
  Healthy: ['NoneOpen', 'BreakerOpen', 'NoReports'],
  Ready: [
    'Programmed',
    'NoAgents',
    'AgentsGone',
    'Pending',
    'PartiallyProgrammed',
    'Invalid',
    'Conflicted',
    'Rejected',
  ],
  Reconciling: ['Pending', 'PartiallyProgrammed'],
  Stalled: ['Invalid', 'Conflicted', 'Rejected'],
} as const;

export type ConditionType = keyof typeof CONDITION_REASONS;

/** How many rejections a status lists. */
export const MAX_REJECTIONS = 5;

/** A rejection's message is cut to this many characters. */
export const MAX_REJECTION_MESSAGE = 256;

/**
 * The condition that the definitions give to an object that no operator has read yet, so that tools that wait for
 * `Ready` wait. An object without conditions is ready to them.
 */
export const UNREAD = {
  type: 'Ready',
  status: 'Unknown',
  reason: 'Pending',
  message: 'no operator has read it yet',
  lastTransitionTime: '1970-01-01T00:00:00Z',
} as const;

/** A number of things. */
export const counter = (text: string) => z.int().min(0).describe(text);

/** A time. */
const time = (text: string) => z.string().meta({ format: 'date-time' }).describe(text);

/** A condition whose types have these reasons. */
export const condition = (reasons: Readonly<Record<string, readonly string[]>>, of: string) =>
  z
    .strictObject({
      type: z
        .string()
        .max(316)
        .describe(`${list(Object.keys(reasons))}.`),
      status: z.enum(['True', 'False', 'Unknown']).describe('Whether the condition holds.'),
      observedGeneration: z.int().min(0).optional().describe('The generation of the spec that the condition is about.'),
      lastTransitionTime: z
        .string()
        .meta({ format: 'date-time' })
        .describe('When the status of the condition last changed.'),
      reason: z
        .string()
        .min(1)
        .max(1024)
        .regex(/^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$/)
        .describe(
          `A reason for programs. ${Object.entries(reasons)
            .map(([type, known]) => `${type}: ${known.join(', ')}.`)
            .join(' ')}`,
        ),
      message: z.string().max(32_768).describe('A message for people.'),
    })
    .describe(`One aspect of the state of the ${of}.`);

const list = (words: readonly string[]) =>
  words.length < 2 ? words.join() : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;

/** The status that the operator writes to a policy. */
export const PolicyStatusFields = z
  .strictObject({
    observedGeneration: z.int().min(0).optional().describe('The generation of the spec that this status is about.'),
    conditions: z
      .array(condition(CONDITION_REASONS, 'policy'))
      .max(32)
      .optional()
      .describe(
        'Accepted: the operator can use the spec. Programmed: every live agent that received this generation has applied it. Healthy: no breaker of this policy is open. Ready: accepted, and programmed or without agents. Reconciling, only while it holds: agents are still to apply it. Stalled, only while it holds: nothing but an edit helps.',
      )
      .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] }),
    agents: z
      .strictObject({
        matched: counter('Agents that received the policy.'),
        applied: counter('Agents that run this generation.'),
        rejected: counter('Agents that rejected this generation and keep the previous one.'),
        stale: counter('Agents that have been silent for more than 30 s.'),
        guarded: counter(
          'Of the agents that run this generation, those whose code limits what it may do, so that they do not run exactly what it says. Absent: none.',
        ).optional(),
        summary: z.string().max(64).describe('Applied and matched agents as k/n.'),
      })
      .optional()
      .describe('Which agents have the policy.'),
    breakers: z
      .strictObject({
        closed: counter('Closed breakers.'),
        open: counter('Open breakers.'),
        halfOpen: counter('Half-open breakers.'),
        shadowOpen: counter('Breakers in Shadow mode that would be open.'),
      })
      .optional()
      .describe('States of the breakers that the policy governs, one for each agent and breaker.'),
    outage: z
      .strictObject({
        startTime: time('When its first breaker opened.'),
        endTime: time(
          'When its last breaker closed. Absent: one is open or half-open. A further opening within a minute continues the outage.',
        ).optional(),
        first: z.string().max(1024).describe('The breaker that opened first, and the agent on which it did.'),
        cause: z
          .string()
          .max(1024)
          .optional()
          .describe('Why it opened, and the failure that opened it. Absent: not known to the leading replica.'),
        mostOpen: counter('The most breakers that were open at once, one for each agent and breaker.'),
      })
      .optional()
      .describe('The outage that lasts, or the last one. Absent: no breaker of the policy has refused calls.'),
    rejections: z
      .array(
        z.strictObject({
          agent: z.string().max(512).describe('The instance that rejected the policy.'),
          field: z.string().max(512).describe('The field that it could not use.'),
          message: z.string().max(MAX_REJECTION_MESSAGE).describe('Why.'),
        }),
      )
      .max(MAX_REJECTIONS)
      .optional()
      .describe(`Up to ${MAX_REJECTIONS} rejections by agents.`),
  })
  .describe('The observed state, written by the operator.');

import { PolicyStatusFields } from '@fuseboard/schema';
import { z } from 'zod';
import { LINK_KINDS } from '../../../core/policy/links.ts';
import { agentBreakerSchema, agentStateSchema } from './agents.ts';
import type { Answer } from './answer.ts';

const state = z.enum(['True', 'False', 'Unknown']);
const asGiven = z
  .unknown()
  .describe('As the source gave it; with `accepted: "True"` it is what the schema of policies says.');

const identity = {
  namespace: z.string(),
  name: z.string(),
  uid: z.string(),
  generation: z.int().min(0).describe('0 from a folder of files.'),
};

const ListedPolicySchema = z
  .object({
    ...identity,
    breakers: asGiven.optional(),
    mode: asGiven.optional(),
    accepted: state,
    programmed: state,
    healthy: state,
    applied: z.string().optional().describe('Agents that run this generation, of those that received it, as `k/n`.'),
    open: z.int().min(0).optional().describe('Open breakers over all agents.'),
  })
  .describe('A policy in a list.')
  .meta({ id: 'PolicyRow' });

/** The answer of `GET /v1/policies/{namespace}/{name}`. */
export const PolicyDetailSchema = z
  .object({
    ...identity,
    createdAt: z.number().describe('Milliseconds since 1970.'),
    hold: z
      .boolean()
      .describe('Whether agents are told to keep what they run, because this generation cannot be used.'),
    spec: asGiven.optional().describe('As the source gave it. Absent: there is none, or it nests too deep to be told.'),
    problems: z.array(z.object({ field: z.string(), message: z.string() })).describe('Why the spec cannot be used.'),
    links: z
      .array(z.object({ kind: z.enum(LINK_KINDS), url: z.string().optional() }))
      .optional()
      .describe('Where to read more, from its annotations. Without `url` the annotation is no http or https URL.'),
    status: PolicyStatusFields,
  })
  .describe('A policy with its status.')
  .meta({ id: 'Policy' });

/** The answer of `GET /v1/policies/{namespace}/{name}/agents`. */
export const PolicyAgentsSchema = z
  .object({
    generation: z.int().min(0),
    hold: z.boolean(),
    total: z.int().min(0).describe('All, listed or not.'),
    items: z.array(
      z.object({
        boot: z.string(),
        instance: z.string(),
        service: z.string(),
        state: agentStateSchema,
        silentMs: z.int(),
        has: z.enum(['current', 'older', 'none', 'rejected', 'held']),
        generation: z.int().min(0).optional().describe('The generation that it runs.'),
        rejection: z.object({ field: z.string(), message: z.string() }).optional(),
        guarded: z
          .array(z.string())
          .optional()
          .describe('The limits of its code that change the policy, such as `maxOpenDuration 1m`. Absent: none.'),
        breakers: z.array(agentBreakerSchema).describe('Its breakers that the policy governs.'),
      }),
    ),
  })
  .describe('Who has a policy.')
  .meta({ id: 'PolicyAgents' });

/** The answer of `GET /v1/policies`. */
export const PolicyListSchema = z.object({ items: z.array(ListedPolicySchema) });

export type PolicyList = Answer<typeof PolicyListSchema>;
export type PolicyDetail = Answer<typeof PolicyDetailSchema>;
export type PolicyAgents = Answer<typeof PolicyAgentsSchema>;

import { BREAKER_STATES, LastErrorSchema, TotalsSchema } from '@fuseboard/schema';
import { z } from 'zod';
import type { Answer } from './answer.ts';
import { CandidateSchema } from './explain.ts';

/** Maximum number of agents in one answer. */
export const MAX_AGENTS_LISTED = 1_000;

export const agentStateSchema = z
  .enum(['live', 'stale', 'gone'])
  .describe('Stale after 30 s of silence, gone after 60 s.');

/** A breaker of one agent, without the policy that governs it. */
export const agentBreakerSchema = z.object({
  name: z.string(),
  state: z.enum(BREAKER_STATES),
  override: z.string().optional().describe('The uid of the override that holds it.'),
  shadow: z.boolean(),
  sinceMs: z.int().describe('How long it has been in this state.'),
  lastError: LastErrorSchema.optional().describe('What the last failure was. Absent: it is closed, or not known.'),
  totals: TotalsSchema,
});

const breaker = agentBreakerSchema.extend({
  uid: z.string().optional().describe('The policy that governs it. Absent or empty: the defaults of the code.'),
});

const identity = {
  namespace: z.string(),
  pod: z.string().optional().describe('The uid of its pod. Absent: not known to run in one.'),
  boot: z.string().describe('128 random bits for each process.'),
  service: z.string(),
  instance: z.string(),
  labels: z.record(z.string(), z.string()),
  language: z.string().optional().describe('The language of the service: `node`, `python`. Absent: not known.'),
  version: z.string().optional().describe('The version of the agent. Absent: not known.'),
  runtime: z.string().optional().describe('The version of Node or Python. Absent: not known.'),
};

const revision = z
  .object({ wanted: z.string().optional(), applied: z.string().optional() })
  .describe('What it should run, and what it says it runs.');

const guarded = z
  .array(
    z.object({
      kind: z.enum(['policy', 'override']),
      name: z.string(),
      by: z.array(z.string()).describe('The limits that change it, such as `maxOpenDuration 1m`.'),
    }),
  )
  .optional()
  .describe('What it does not run as sent, because its code limits it. Absent: nothing.');

const AgentSchema = z
  .object({
    ...identity,
    state: agentStateSchema,
    connected: z.boolean().describe('Whether it holds a stream.'),
    silentMs: z.int(),
    revision,
    rejected: z.int().min(0).describe('Policies that it cannot use.'),
    guarded,
    breakers: z.array(breaker),
  })
  .describe('A process with breakers, as this replica knows it.')
  .meta({ id: 'Agent' });

/** The answer of `GET /v1/agents/{namespace}/{boot}`. */
export const AgentDetailSchema = z
  .object({
    ...identity,
    state: agentStateSchema,
    silentMs: z.int(),
    revision,
    rejections: z.array(z.object({ policy: z.string(), field: z.string(), message: z.string() })),
    guarded,
    breakers: z.array(
      breaker.extend({
        policy: z.string().optional().describe('The policy that governs it. Absent: none.'),
        why: z.array(CandidateSchema).describe('Why that one, and why no other.'),
      }),
    ),
  })
  .describe('One process, with the reason for each of its policies.')
  .meta({ id: 'AgentDetail' });

/** The answer of `GET /v1/agents`. */
export const AgentListSchema = z.object({
  replica: z.string().describe('Which replica speaks; it knows its own agents.'),
  others: z.array(z.string()).describe('Replicas whose agents are not told of here.'),
  total: z.int().min(0).describe('All, listed or not.'),
  items: z.array(AgentSchema).max(MAX_AGENTS_LISTED),
});

export type AgentList = Answer<typeof AgentListSchema>;
export type ListedAgent = AgentList['items'][number];
export type AgentDetail = Answer<typeof AgentDetailSchema>;

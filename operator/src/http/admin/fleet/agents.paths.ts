import { BREAKER_STATES, LastErrorSchema, TotalsSchema } from '@fuseboard/schema';
import { z } from 'zod';
import { type Endpoint, refusals } from '../../description/endpoint.ts';
import { PARAMETERS } from '../parameters.ts';

const state = z.enum(['live', 'stale', 'gone']).describe('Stale after 30 s of silence, gone after 60 s.');

const breaker = z.object({
  name: z.string(),
  uid: z.string().optional().describe('The policy that governs it. Absent or empty: the defaults of the code.'),
  state: z.enum(BREAKER_STATES),
  override: z.string().optional().describe('The uid of the override that holds it.'),
  shadow: z.boolean(),
  sinceMs: z.int().describe('How long it has been in this state.'),
  lastError: LastErrorSchema.optional().describe('What the last failure was. Absent: it is closed, or not known.'),
  totals: TotalsSchema,
});

const identity = {
  namespace: z.string(),
  pod: z.string().optional().describe('The uid of its pod. Absent: not known to run in one.'),
  boot: z.string().describe('128 random bits for each process.'),
  service: z.string(),
  instance: z.string(),
  labels: z.record(z.string(), z.string()),
};

const revision = z
  .object({ wanted: z.string().optional(), applied: z.string().optional() })
  .describe('What it should run, and what it says it runs.');

const Agent = z
  .object({
    ...identity,
    state,
    connected: z.boolean().describe('Whether it holds a stream.'),
    silentMs: z.int(),
    revision,
    rejected: z.int().min(0).describe('Policies that it cannot use.'),
    breakers: z.array(breaker),
  })
  .describe('A process with breakers, as this replica knows it.')
  .meta({ id: 'Agent' });

const AgentDetail = z
  .object({
    ...identity,
    state,
    silentMs: z.int(),
    revision,
    rejections: z.array(z.object({ policy: z.string(), field: z.string(), message: z.string() })),
    breakers: z.array(
      breaker.extend({
        policy: z.string().optional().describe('The policy that governs it. Absent: none.'),
        why: z
          .array(
            z.object({
              policy: z.string(),
              uid: z.string(),
              pattern: z.string().optional(),
              governs: z.boolean(),
              reason: z.string(),
            }),
          )
          .describe('Why that one, and why no other.'),
      }),
    ),
  })
  .describe('One process, with the reason for each of its policies.')
  .meta({ id: 'AgentDetail' });

export const agentPaths: readonly Endpoint[] = [
  {
    method: 'get',
    path: '/v1/agents',
    summary: 'The agents of this replica, at most 1,000 of them.',
    query: z.object({
      namespace: PARAMETERS.namespace.optional().describe('Absent: all namespaces.'),
      search: z.string().min(1).optional().describe('Words that its names, state or labels must hold.'),
    }),
    answers: {
      200: {
        description: 'The agents.',
        schema: z.object({
          replica: z.string().describe('Which replica speaks; it knows its own agents.'),
          others: z.array(z.string()).describe('Replicas whose agents are not told of here.'),
          total: z.int().min(0).describe('All, listed or not.'),
          items: z.array(Agent).max(1_000),
        }),
      },
      ...refusals(400, 401, 403, 503),
    },
  },
  {
    method: 'get',
    path: '/v1/agents/:namespace/:boot',
    summary: 'One agent, and which policy governs each of its breakers, and why.',
    params: z.object({ namespace: z.string().min(1), boot: z.string().min(1) }),
    answers: { 200: { description: 'The agent.', schema: AgentDetail }, ...refusals(400, 401, 403, 404, 503) },
  },
];

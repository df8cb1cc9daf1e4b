import { BREAKER_STATES, TotalsSchema } from '@fuseboard/schema';
import { z } from 'zod';
import { type Endpoint, refusals } from '../description/endpoint.ts';
import { PARAMETERS } from './parameters.ts';

const Agent = z
  .object({
    namespace: z.string(),
    pod: z.string().optional().describe('The uid of its pod. Absent: not known to run in one.'),
    boot: z.string().describe('128 random bits for each process.'),
    service: z.string(),
    instance: z.string(),
    labels: z.record(z.string(), z.string()),
    state: z.enum(['live', 'stale', 'gone']).describe('Stale after 30 s of silence, gone after 60 s.'),
    connected: z.boolean().describe('Whether it holds a stream.'),
    silentMs: z.int(),
    revision: z
      .object({ wanted: z.string().optional(), applied: z.string().optional() })
      .describe('What it should run, and what it says it runs.'),
    breakers: z.array(
      z.object({
        name: z.string(),
        uid: z.string().optional().describe('The policy that governs it. Absent: the defaults of the code.'),
        state: z.enum(BREAKER_STATES),
        shadow: z.boolean(),
        totals: TotalsSchema,
      }),
    ),
  })
  .describe('A process with breakers, as this replica knows it.')
  .meta({ id: 'Agent' });

export const agentPaths: readonly Endpoint[] = [
  {
    method: 'get',
    path: '/v1/agents',
    summary: 'The agents of this replica, at most 1,000 of them.',
    query: z.object({ namespace: PARAMETERS.namespace.optional().describe('Absent: all namespaces.') }),
    answers: {
      200: {
        description: 'The agents.',
        schema: z.object({ total: z.int().min(0).describe('All, listed or not.'), items: z.array(Agent).max(1_000) }),
      },
      ...refusals(400, 401, 403, 503),
    },
  },
];

import { z } from 'zod';
import { type Endpoint, refusals } from '../../description/endpoint.ts';
import { PARAMETERS } from '../parameters.ts';

const Explanation = z
  .object({
    namespace: z.string(),
    labels: z.record(z.string(), z.string()),
    breaker: z.string(),
    winner: z.string().optional().describe('The policy that governs. Absent: the defaults of the code.'),
    candidates: z
      .array(
        z.object({
          policy: z.string(),
          uid: z.string(),
          pattern: z.string().optional().describe('What in the policy matches. Absent: nothing.'),
          governs: z.boolean(),
          reason: z.string(),
        }),
      )
      .describe('The winner first, then the others in the order in which they would take its place.'),
  })
  .describe('Which policy governs a breaker, and why no other does.')
  .meta({ id: 'Explanation' });

export const explainPaths: readonly Endpoint[] = [
  {
    method: 'get',
    path: '/v1/explain',
    summary: 'Which policy governs a breaker on an agent, and why no other does.',
    query: z.object({
      breaker: PARAMETERS.breaker,
      namespace: PARAMETERS.namespace.optional().describe('Absent: default.'),
      labels: PARAMETERS.labels
        .regex(/^[^=,\s]+=[^,\s]*(,[^=,\s]+=[^,\s]*)*$/)
        .optional()
        .describe('Labels of the agent, as `k=v,k2=v2`. Absent: none.'),
    }),
    answers: { 200: { description: 'The choice.', schema: Explanation }, ...refusals(400, 401, 403, 503) },
  },
];

import { z } from 'zod';
import { type Endpoint, refusals } from '../../description/endpoint.ts';
import { ExplanationSchema } from '../answers/explain.ts';
import { PARAMETERS } from '../parameters.ts';

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
    answers: { 200: { description: 'The choice.', schema: ExplanationSchema }, ...refusals(400, 401, 403, 503) },
  },
];

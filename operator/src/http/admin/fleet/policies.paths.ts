import { z } from 'zod';
import { type Endpoint, refusals } from '../../description/endpoint.ts';
import { PolicyAgentsSchema, PolicyDetailSchema, PolicyListSchema } from '../answers/policies.ts';
import { PARAMETERS } from '../parameters.ts';

export const policyPaths: readonly Endpoint[] = [
  {
    method: 'get',
    path: '/v1/policies',
    summary: 'Policies with what became of them, by namespace and name.',
    query: z.object({ namespace: PARAMETERS.namespace.optional().describe('Absent: all namespaces.') }),
    answers: {
      200: { description: 'The policies.', schema: PolicyListSchema },
      ...refusals(400, 401, 403, 503),
    },
  },
  {
    method: 'get',
    path: '/v1/policies/:namespace/:name',
    summary: 'One policy, whole.',
    params: z.object({ namespace: z.string().min(1), name: z.string().min(1) }),
    answers: { 200: { description: 'The policy.', schema: PolicyDetailSchema }, ...refusals(400, 401, 403, 404, 503) },
  },
  {
    method: 'get',
    path: '/v1/policies/:namespace/:name/agents',
    summary: 'The agents that a policy is for, those first that it has not reached.',
    params: z.object({ namespace: z.string().min(1), name: z.string().min(1) }),
    answers: { 200: { description: 'The agents.', schema: PolicyAgentsSchema }, ...refusals(400, 401, 403, 404, 503) },
  },
];

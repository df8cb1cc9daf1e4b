import { z } from 'zod';
import { type Endpoint, refusals } from '../../description/endpoint.ts';
import { OutageDetailSchema, OutageListSchema } from '../answers/outages.ts';
import { PARAMETERS } from '../parameters.ts';

export const outagePaths: readonly Endpoint[] = [
  {
    method: 'get',
    path: '/v1/outages',
    summary: 'Outages of the last 24 hours.',
    query: z.object({ namespace: PARAMETERS.namespace.optional().describe('Absent: all namespaces.') }),
    answers: {
      200: { description: 'The outages.', schema: OutageListSchema },
      ...refusals(400, 401, 403, 503),
    },
  },
  {
    method: 'get',
    path: '/v1/outages/:namespace/:id',
    summary: 'One outage, with what was counted in it.',
    params: z.object({ namespace: z.string().min(1), id: z.string().min(1) }),
    answers: {
      200: { description: 'The outage.', schema: OutageDetailSchema },
      ...refusals(400, 401, 403, 404, 503),
    },
  },
];

import { z } from 'zod';
import { type Endpoint, refusals } from '../../description/endpoint.ts';
import { ThresholdsSchema } from './thresholds.ts';

export const thresholdPaths: readonly Endpoint[] = [
  {
    method: 'post',
    path: '/v1/policies/:namespace/:name/thresholds',
    summary: 'Replace `trip`, `recovery` or both in a policy, with the rights of whoever asks.',
    params: z.object({ namespace: z.string().min(1), name: z.string().min(1) }),
    body: ThresholdsSchema,
    answers: { 204: { description: 'It has them.' }, ...refusals(400, 401, 403, 404, 409, 413, 415, 422, 503) },
  },
];

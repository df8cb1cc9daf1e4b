import { z } from 'zod';
import { RANGE_NAMES } from '../../../core/fleet/timeline.ts';
import { type Endpoint, refusals } from '../../description/endpoint.ts';
import { TimelineSchema } from '../answers/timeline.ts';

export const timelinePaths: readonly Endpoint[] = [
  {
    method: 'get',
    path: '/v1/breakers/:namespace/:breaker/timeline',
    summary: 'Calls, states and latencies of one breaker over the last hour or day.',
    params: z.object({ namespace: z.string().min(1), breaker: z.string().min(1) }),
    query: z.object({
      uid: z.string().min(1).optional().describe('The policy that governs it. Absent: the defaults of the code apply.'),
      range: z.enum(RANGE_NAMES).optional().describe('Absent: `1h`.'),
    }),
    answers: {
      200: { description: 'The counts.', schema: TimelineSchema },
      ...refusals(400, 401, 403, 404, 503),
    },
  },
];

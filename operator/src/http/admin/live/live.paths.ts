import { z } from 'zod';
import { type Endpoint, refusals } from '../../description/endpoint.ts';
import { BreakerListSchema, OverviewSchema } from '../answers/live.ts';
import { PARAMETERS } from '../parameters.ts';

const namespace = z.object({ namespace: PARAMETERS.namespace.optional().describe('Absent: all namespaces.') });

const WatchEvent = z
  .object({
    event: z.enum(['state', 'difference', 'heartbeat']),
    data: z.string().describe('JSON: everything, what is different, or that nothing is.'),
  })
  .describe('One event of the stream that the page follows.')
  .meta({ id: 'WatchEvent' });

export const livePaths: readonly Endpoint[] = [
  {
    method: 'get',
    path: '/v1/overview',
    summary: 'The fleet at a glance.',
    query: namespace,
    answers: { 200: { description: 'Numbers.', schema: OverviewSchema }, ...refusals(400, 401, 403, 503) },
  },
  {
    method: 'get',
    path: '/v1/breakers',
    summary: 'Breakers over all agents of this replica.',
    query: namespace,
    answers: {
      200: { description: 'The breakers.', schema: BreakerListSchema },
      ...refusals(400, 401, 403, 503),
    },
  },
  {
    method: 'get',
    path: '/v1/watch',
    summary: 'Overview, policies and breakers as they change: an event `state`, then `difference` and `heartbeat`.',
    query: namespace,
    answers: {
      200: { description: 'Events, for up to ten minutes.', schema: WatchEvent, type: 'text/event-stream' },
      ...refusals(400, 401, 403, 503),
    },
  },
];

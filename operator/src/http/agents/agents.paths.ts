import { ReportSchema, STREAM_EVENTS, StreamQuerySchema } from '@fuseboard/schema';
import { z } from 'zod';
import { NAMESPACE_PATTERN } from '../../core/policy/namespace.ts';
import { type Endpoint, refusals } from '../description/endpoint.ts';

/** The namespace that an agent declares. */
export const NamespaceSchema = z
  .string()
  .regex(NAMESPACE_PATTERN, 'must be lower-case letters, digits and dashes')
  .optional();

const StreamEvent = z
  .object({
    event: z.enum(Object.keys(STREAM_EVENTS) as (keyof typeof STREAM_EVENTS)[]),
    data: z.string().describe('JSON; crds/schema/wire.schema.json has a definition for each event.'),
    id: z.string().optional().describe('The revision, with a commit.'),
  })
  .describe('One event of the stream. An agent passes over those that it does not know.')
  .meta({ id: 'StreamEvent' });

export const agentsPaths: readonly Endpoint[] = [
  {
    method: 'get',
    path: '/v1/stream',
    summary: 'The policies of an agent, and every change of them, as events.',
    query: z.object({
      ...StreamQuerySchema.shape,
      protocol: z.literal('1').default('1'),
      labels: z
        .string()
        .regex(/^([^=,\s]+=[^,\s]*(,[^=,\s]+=[^,\s]*)*)?$/)
        .max(8_192)
        .default('')
        .meta({
          description: 'Labels, as `k=v,k2=v2`. Believed only where a token says nothing of a pod.',
        }),
      since: z
        .string()
        .regex(/^((policies|overrides)=[0-9]{1,20}(,(policies|overrides)=[0-9]{1,20})?)?$/)
        .default('')
        .meta({
          description: StreamQuerySchema.shape.since.description,
        }),
      namespace: NamespaceSchema.describe('Believed only without agent authentication.'),
    }),
    headers: z.object({
      'last-event-id': z.string().optional().describe('The revision that the agent runs.'),
    }),
    answers: {
      200: {
        description: 'Events, as docs/protocol.md tells them.',
        schema: StreamEvent,
        type: 'text/event-stream',
      },
      ...refusals(400, 401, 403, 503),
    },
  },
  {
    method: 'post',
    path: '/v1/report',
    summary: 'What an agent counted; also the acknowledgement of what it applied.',
    query: z.object({ namespace: NamespaceSchema.describe('Believed only without agent authentication.') }),
    body: ReportSchema.meta({ id: 'Report' }),
    answers: {
      204: { description: 'Taken.' },
      ...refusals(400, 401, 403, 413, 415, 421, 503),
    },
  },
];

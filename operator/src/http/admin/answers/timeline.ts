import { z } from 'zod';
import { RANGE_NAMES, TIMELINE_COLUMNS } from '../../../core/fleet/timeline.ts';
import type { Answer } from './answer.ts';

const count = z.int().min(0);
const at = z.int().describe('Milliseconds since 1970.');

/** The answer of `GET /v1/breakers/{namespace}/{breaker}/timeline`. */
export const TimelineSchema = z
  .object({
    at,
    replica: z.string().describe('Which replica speaks; it knows its own agents.'),
    range: z.enum(RANGE_NAMES),
    series: z.object({
      begin: at,
      slotMs: z.int().min(1),
      columns: z.array(z.enum(TIMELINE_COLUMNS)),
      values: z
        .array(count)
        .describe(
          'For each slot: every column, one after the other. `started` counts agents that began to report the breaker; the last two columns are the most agents at once.',
        ),
    }),
    latency: z.object({
      begin: at,
      slotMs: z.int().min(1),
      boundsMs: z
        .array(z.number())
        .describe('The upper bounds of the rows, in milliseconds. The last row also counts all slower calls.'),
      values: z.array(count).describe('For each slot: the calls of every row, one after the other.'),
    }),
  })
  .describe('What was counted of one breaker over the last hour or day, over all agents of the replica.')
  .meta({ id: 'Timeline' });
export type TimelineAnswer = Answer<typeof TimelineSchema>;

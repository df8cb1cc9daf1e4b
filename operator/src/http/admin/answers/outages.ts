import { OVERRIDE_ACTIONS } from '@fuseboard/schema';
import { z } from 'zod';
import { OUTAGE_PHASES } from '../../../core/outages/outage-row.ts';
import { SERIES_COLUMNS } from '../../../core/outages/series.ts';
import type { Answer } from './answer.ts';

const count = z.int().min(0);
const at = z.int().describe('Milliseconds since 1970.');
const rate = z.number().min(0).describe('Per second, over the last ten seconds.');

/** The outage in a breaker row of the page. */
const action = z.object({
  uid: z.string(),
  at,
  action: z.enum(OVERRIDE_ACTIONS),
  reason: z.string().optional(),
  by: z.string().optional(),
});

export const OutageRowSchema = z.object({
  id: z.string(),
  circuit: z.string().describe('The `id` of its row in `/v1/breakers`.'),
  namespace: z.string(),
  breaker: z.string(),
  uid: z.string().optional().describe('The policy. Absent: the defaults of the code.'),
  phase: z
    .enum(OUTAGE_PHASES)
    .describe(
      '`refused`: a circuit is open. `testing`: none is open, one is half-open. `closed`: all are closed, and an opening within a minute continues the outage. `over`: they have been closed for a minute.',
    ),
  began: at,
  closed: at.optional().describe('When the last circuit closed. Absent: one is not closed.'),
  reason: z.string().optional().describe('What opened the first circuit. Absent: it was open before this replica.'),
  instance: z.string().describe('The first agent whose circuit opened.'),
  error: z.string().optional().describe('The failure that opened it.'),
  refused: count.describe('Calls that were refused.'),
  fallback: count.describe('Calls that a fallback answered: refused ones, and ones that failed.'),
  refusedPerSecond: rate,
  fallbackPerSecond: rate,
  callsPerSecond: rate.optional().describe('Calls that were let through. Absent: a version before it answered.'),
  heard: at.optional().describe('When the latest report about the breaker arrived. Absent: the outage is over.'),
  held: action
    .extend({
      name: z.string(),
      until: at.describe('When it ends.'),
      partly: z.boolean().describe('Whether it is for only some of the agents whose circuit opened.'),
    })
    .optional()
    .describe('The override that holds the circuits now: open, or closed once all are closed. Absent: none.'),
  hit: count.describe('Agents that are refused now; once closed, the most at once.'),
  agents: count.describe('Agents that have the breaker.'),
  services: z.array(z.object({ service: z.string(), hit: count, agents: count })),
  attempts: count.describe('How often a circuit was half-open.'),
  reopened: count.describe('How often a circuit opened again from half-open.'),
  actions: z.array(action).describe('Overrides of the breaker.'),
});

const ListedOutageSchema = OutageRowSchema.extend({
  policy: z.string().optional().describe('Its name. Absent: the defaults of the code, or the policy is gone.'),
  sentence: z.string().describe('The outage in one sentence.'),
})
  .describe('Refusals of one breaker, from its first opening to its last close, over all agents of the replica.')
  .meta({ id: 'Outage' });
export type ListedOutage = Answer<typeof ListedOutageSchema>;

const stamp = {
  at,
  replica: z.string().describe('Which replica speaks; it knows its own agents.'),
  others: z.array(z.string()).describe('Replicas whose agents are not told of here.'),
};

export const OutageListSchema = z.object({
  ...stamp,
  noun: z.enum(['pod', 'process']).describe('What an agent is called in sentences.'),
  items: z.array(ListedOutageSchema).describe('Those that last first, by what they cost; then the newest.'),
});
export type OutageList = Answer<typeof OutageListSchema>;

export const OutageDetailSchema = z
  .object({
    ...stamp,
    outage: ListedOutageSchema,
    series: z
      .object({
        begin: at,
        slotMs: z.int().min(1),
        columns: z.array(z.enum(SERIES_COLUMNS)),
        values: z.array(count).describe('For each slot: every column, one after the other.'),
        reported: z
          .array(z.int().min(0).max(1))
          .optional()
          .describe(
            'For each slot: 1 when a report arrived in it. Elsewhere its counts are not known, and the numbers of agents are those of the slot before. Absent: a version before it answered.',
          ),
      })
      .describe('What was counted from a minute before the outage on; the last two columns are numbers of agents.'),
  })
  .describe('An outage with its plot.')
  .meta({ id: 'OutageDetail' });
export type OutageDetail = Answer<typeof OutageDetailSchema>;

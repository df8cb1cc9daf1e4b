import { BREAKER_STATES, LastErrorSchema, TRIP_CONDITIONS, type TripField } from '@fuseboard/schema';
import { z } from 'zod';
import { ROLLOUT_STATES, type RolloutState } from '../../../core/fleet/rollout-state.ts';
import type { Answer } from './answer.ts';
import { OutageRowSchema } from './outages.ts';

const count = z.int().min(0);
const counts = z.object({ closed: count, open: count, halfOpen: count, shadowOpen: count });
const at = z.int().describe('Milliseconds since 1970.');

const stamp = {
  at,
  replica: z.string().describe('Which replica speaks; it knows its own agents.'),
  others: z.array(z.string()).describe('Replicas whose agents are not told of here.'),
  slot: z.int().describe('The slot of time that is being counted now.'),
  slotMs: z.int(),
};

/** The answer of `GET /v1/overview`. */
export const OverviewSchema = z
  .object({
    ...stamp,
    source: z.object({
      kind: z.string(),
      synced: z.boolean(),
      outage: z.string().optional().describe('Why policies cannot be read right now.'),
      problems: count,
    }),
    breakers: counts.describe('One for each agent and breaker.'),
    rows: count.describe('One for each policy and breaker.'),
    policies: z
      .object({
        total: count,
        ...(Object.fromEntries(ROLLOUT_STATES.map((state) => [state, count.optional()])) as Record<
          RolloutState,
          z.ZodOptional<typeof count>
        >),
      })
      .describe('By how far they have come on their way to the agents.'),
    agents: z.object({ connected: count, connecting: count, stale: count, gone: count, rejecting: count }),
    outages: z.object({
      lasting: count.describe('Those that last, or ended less than a minute ago.'),
      over: count.describe('Those that ended within 24 hours.'),
      last: OutageRowSchema.optional().describe('The one that ended last.'),
    }),
  })
  .describe('The fleet at a glance.')
  .meta({ id: 'Overview' });

const thresholds = z
  .object({
    window: z.enum(['Time', 'Count', 'Ewma']),
    size: z.int().optional().describe('The calls that a Count window holds.'),
    windowMs: z.number(),
    minimumCalls: z.int(),
    slowerThanMs: z.number().optional(),
    ...(Object.fromEntries(TRIP_CONDITIONS.map(({ field }) => [field, z.int().optional()])) as Record<
      TripField,
      z.ZodOptional<z.ZodInt>
    >),
  })
  .describe('What opens the circuit; times in milliseconds.');

const BreakerSchema = z
  .object({
    id: z.string(),
    namespace: z.string(),
    breaker: z.string(),
    uid: z.string().optional().describe('The policy. Absent: the defaults of the code.'),
    policy: z.string().optional().describe('Its name.'),
    mode: z.string().optional(),
    thresholds: thresholds.optional(),
    openDuration: z.string().optional(),
    state: z
      .enum([...BREAKER_STATES, 'none'])
      .describe('The worst on any agent; `none` when no agent has it any more.'),
    shadow: z.boolean(),
    since: at,
    heard: at,
    agents: count,
    services: z
      .array(z.object({ service: z.string(), agents: count }))
      .describe('The services with most of these agents; at most five.'),
    states: counts,
    unwell: z.array(z.string()).describe('Agents on which it is not closed; at most three.'),
    lastError: LastErrorSchema.optional().describe('What the last failure was on one of these. Absent: not known.'),
    window: z.object({ calls: count, failed: count, slow: count, rejected: count }),
    latency: z
      .array(count)
      .describe('Calls of the last minute; bucket i counts those under 2^i x 0.125 ms that no smaller one counts.'),
    slot: z.int().describe('The slot of the first of `samples`.'),
    samples: z.array(count).describe('For each slot: calls, failed, slow, rejected.'),
    changes: z.array(
      z.object({
        at,
        from: z.enum(BREAKER_STATES),
        to: z.enum(BREAKER_STATES),
        reason: z.string(),
        instance: z.string(),
      }),
    ),
    outage: OutageRowSchema.optional().describe('The outage that lasts, or ended less than a minute ago.'),
  })
  .describe('One breaker under one policy, over all agents of the replica.')
  .meta({ id: 'BreakerRow' });

/** The answer of `GET /v1/breakers`. */
export const BreakerListSchema = z.object({ ...stamp, items: z.array(BreakerSchema) });

export type OverviewAnswer = Answer<typeof OverviewSchema>;
export type BreakerList = Answer<typeof BreakerListSchema>;
/** One row for each policy and breaker. */
export type ListedBreaker = BreakerList['items'][number];

import { OVERRIDE_ACTIONS, OverrideSpecFields, OverrideStatusFields } from '@fuseboard/schema';
import { z } from 'zod';
import type { Answer } from './answer.ts';

/** An override in answers of the admin API. */
export const OverrideSchema = z
  .object({
    namespace: z.string(),
    name: z.string(),
    uid: z.string(),
    createdAt: z.number().describe('Milliseconds since 1970.'),
    createdBy: z.string().optional().describe('Who made it, as far as that is known.'),
    expiresAt: z.number().describe('When it ends, milliseconds since 1970.'),
    breakers: z.array(z.string()).optional(),
    action: z.enum(OVERRIDE_ACTIONS).optional(),
    reason: z.string().optional(),
    selector: OverrideSpecFields.shape.selector,
    problems: z.array(z.object({ field: z.string(), message: z.string() })),
    status: OverrideStatusFields,
  })
  .describe('An override with its status.')
  .meta({ id: 'Override' });

/** The answer of `GET /v1/overrides`, with the newest override first. */
export const OverrideListSchema = z.object({ items: z.array(OverrideSchema) });

export type OverrideList = Answer<typeof OverrideListSchema>;
export type ShownOverride = Answer<typeof OverrideSchema>;
